import type { ListenAddress, TcpAddress } from '../config/listen-address.ts';
import type { VariableName } from '../config/variables.ts';
import { GrpcServer, type GrpcServerOptions } from '../grpc/server.ts';
import { TlsFileError, type TlsFiles } from '../grpc/tls-credentials.ts';
import { HttpEndpoint, type HttpEndpointOptions } from '../telemetry/http-endpoint.ts';
import { type ReadinessOptions, ReadinessProbe } from '../telemetry/readiness.ts';
import type { AppContext } from './app-context.ts';
import type { Closers } from './closers.ts';
import { StartupError, startupStep } from './startup-error.ts';

const READINESS_INTERVAL_MS = 1_000;

/** The variable of each file, and the remedy. */
const TLS_FILES = {
  certificate: [
    'LATCHKEY_TLS_CERT',
    "Set it to the server's certificate, followed by the intermediate certificates.",
  ],
  privateKey: ['LATCHKEY_TLS_KEY', 'Set it to the private key of the certificate in LATCHKEY_TLS_CERT.'],
  clientCa: ['LATCHKEY_TLS_CLIENT_CA', 'Set it to the CA certificates that issue client certificates.'],
} as const satisfies Record<keyof TlsFiles, readonly [VariableName, string]>;

export interface Serving {
  /** The gRPC address, with the actual port. */
  readonly address: string;
  /** The URL of metrics and HTTP health. Undefined: there is none. */
  readonly metricsUrl: string | undefined;
  /** Whether all calls in progress completed. Valid once the context is closed. */
  readonly cleanEnd: () => boolean;
}

/** Serves gRPC, metrics and health, and starts the readiness probe. */
export async function openServing(
  context: AppContext,
  services: GrpcServerOptions['services'],
  probes: ReadinessOptions['probes'],
): Promise<Serving> {
  const { config, logger, closers, worker } = context;
  const server = new GrpcServer({
    address: config.listen.text,
    services,
    reflection: config.reflection,
    ...(config.tls === undefined ? {} : { tls: config.tls }),
    log: logger,
  });
  const readiness = new ReadinessProbe({
    probes,
    intervalMs: READINESS_INTERVAL_MS,
    onChange: (found) => {
      const { ready, reasons } = found;
      server.health.setServing(ready);
      worker?.onReadiness(found);
      if (ready) logger.info({}, 'ready');
      else logger.warn({ reasons: reasons.join('; ') }, 'not ready');
    },
  });
  // A worker reports to the supervisor, which serves this endpoint.
  const metricsListen = worker === undefined ? config.metricsListen : undefined;
  const metricsUrl = await openMetricsEndpoint(metricsListen, closers, {
    metrics: context.metrics,
    readiness: () => readiness.current,
  });
  const address = await serveOn(server, context);
  let cleanEnd = true;
  closers.add(async () => {
    cleanEnd = await server.drain({ delayMs: config.drainDelayMs, timeoutMs: config.drainTimeoutMs });
  });
  await readiness.start();
  closers.add(() => readiness.close());
  return { address, metricsUrl, cleanEnd: () => cleanEnd };
}

/** A worker does not listen. The supervisor hands connections to it. */
async function serveOn(server: GrpcServer, { config, worker }: AppContext): Promise<string> {
  if (worker === undefined) {
    return await listenStep(config.listen, () => server.listen().catch(failWithTlsFile));
  }
  try {
    worker.serveConnections(server.serveHandedOver());
  } catch (error) {
    failWithTlsFile(error);
  }
  return config.listen.text;
}

/** Runs a step that listens. An error becomes a `StartupError` with a remedy. */
export function listenStep<Result>(listen: ListenAddress, step: () => Promise<Result>): Promise<Result> {
  return startupStep('LATCHKEY_LISTEN', step, (reason) => listenProblem(listen, reason));
}

/** Opens the HTTP endpoint for metrics and health. Returns its URL, or undefined if it is off. */
export async function openMetricsEndpoint(
  listen: TcpAddress | undefined,
  closers: Closers,
  pages: Pick<HttpEndpointOptions, 'metrics' | 'readiness'>,
): Promise<string | undefined> {
  if (listen === undefined) return undefined;
  const { host, port } = listen;
  const endpoint = await startupStep(
    'LATCHKEY_METRICS_LISTEN',
    () => HttpEndpoint.open({ host, port, ...pages }),
    (reason) => `${listenProblem(listen, reason)} Set it to off to run without this endpoint.`,
  );
  closers.add(() => endpoint.close());
  return endpoint.url;
}

function listenProblem({ text }: ListenAddress, reason: string): string {
  return `cannot listen on ${text}: ${reason}. ${listenRemedy(reason)}`;
}

function listenRemedy(reason: string): string {
  if (reason.includes('EADDRINUSE')) return 'Choose another port, or stop the process that uses it.';
  if (reason.includes('EADDRNOTAVAIL'))
    return 'Choose an address of this machine, or 0.0.0.0 for all of its addresses.';
  return 'Choose another address.';
}

function failWithTlsFile(error: unknown): never {
  if (!(error instanceof TlsFileError)) throw error;
  const [variable, remedy] = TLS_FILES[error.file];
  throw new StartupError(variable, `${error.message} ${remedy}`, error);
}

import type { ListenAddress, TcpAddress } from '../config/listen-address.ts';
import type { VariableName } from '../config/variables.ts';
import { GrpcServer, type GrpcServerOptions } from '../grpc/server.ts';
import { TlsFileFault, type TlsFiles } from '../grpc/tls-credentials.ts';
import { HttpEndpoint, type HttpEndpointOptions } from '../telemetry/http-endpoint.ts';
import { type ReadinessOptions, ReadinessProbe } from '../telemetry/readiness.ts';
import type { Closers } from './closers.ts';
import type { Site } from './site.ts';
import { naming, StartFault } from './start-fault.ts';

const READINESS_INTERVAL_MS = 1_000;

/** The variable that names each file, and what to do about it. */
const TLS_FILES = {
  certificate: [
    'LATCHKEY_TLS_CERT',
    "Name the server's certificate, followed by those between it and the root.",
  ],
  privateKey: ['LATCHKEY_TLS_KEY', 'Name the private key of the certificate in LATCHKEY_TLS_CERT.'],
  clientCa: ['LATCHKEY_TLS_CLIENT_CA', 'Name the certificates that issue those of the clients.'],
} as const satisfies Record<keyof TlsFiles, readonly [VariableName, string]>;

export interface Serving {
  /** Where gRPC is served, with the real port. */
  readonly address: string;
  /** Where metrics and plain health are served; undefined: nowhere. */
  readonly metricsUrl: string | undefined;
  /** Whether every call under way came to its end; known once the site is closed. */
  readonly cleanEnd: () => boolean;
}

/** Serves gRPC, metrics and health, and looks from now on whether sign-in can work. */
export async function openServing(
  site: Site,
  services: GrpcServerOptions['services'],
  probes: ReadinessOptions['probes'],
): Promise<Serving> {
  const { config, logger, closers, worker } = site;
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
      if (ready) logger.info({}, 'sign-in works');
      else logger.warn({ reasons: reasons.join('; ') }, 'sign-in cannot work now');
    },
  });
  // One of several workers tells the supervisor, which has the endpoint.
  const metricsListen = worker === undefined ? config.metricsListen : undefined;
  const metricsUrl = await openMetricsEndpoint(metricsListen, closers, {
    metrics: site.metrics,
    readiness: () => readiness.current,
  });
  const address = await serveOn(server, site);
  let cleanEnd = true;
  closers.add(async () => {
    cleanEnd = await server.drain({ delayMs: config.drainDelayMs, timeoutMs: config.drainTimeoutMs });
  });
  await readiness.start();
  closers.add(() => readiness.close());
  return { address, metricsUrl, cleanEnd: () => cleanEnd };
}

/** A worker does not listen: the supervisor hands connections to it. */
async function serveOn(server: GrpcServer, { config, worker }: Site): Promise<string> {
  if (worker === undefined) {
    return await namingListen(config.listen, () => server.listen().catch(namingTlsFile));
  }
  try {
    worker.serveConnections(server.serveHandedOver());
  } catch (error) {
    namingTlsFile(error);
  }
  return config.listen.text;
}

/** Runs a step that listens. Its error becomes a `StartFault` that says what to do. */
export function namingListen<Result>(listen: ListenAddress, step: () => Promise<Result>): Promise<Result> {
  return naming('LATCHKEY_LISTEN', step, (reason) => unlistenable(listen, reason));
}

/** Plain HTTP for metrics and health; answers where, or undefined where there is to be none. */
export async function openMetricsEndpoint(
  listen: TcpAddress | undefined,
  closers: Closers,
  pages: Pick<HttpEndpointOptions, 'metrics' | 'readiness'>,
): Promise<string | undefined> {
  if (listen === undefined) return undefined;
  const { host, port } = listen;
  const endpoint = await naming(
    'LATCHKEY_METRICS_LISTEN',
    () => HttpEndpoint.open({ host, port, ...pages }),
    (reason) => `${unlistenable(listen, reason)} Or set it to off: no metrics.`,
  );
  closers.add(() => endpoint.close());
  return endpoint.url;
}

function unlistenable({ text }: ListenAddress, reason: string): string {
  return `${text} cannot be listened on: ${reason}. ${listenRemedy(reason)}`;
}

function listenRemedy(reason: string): string {
  if (reason.includes('EADDRINUSE')) return 'Choose another port, or end the process that has it.';
  if (reason.includes('EADDRNOTAVAIL'))
    return 'Choose an address of this machine, or 0.0.0.0 for all it has.';
  return 'Choose another address.';
}

function namingTlsFile(error: unknown): never {
  if (!(error instanceof TlsFileFault)) throw error;
  const [variable, remedy] = TLS_FILES[error.file];
  throw new StartFault(variable, `${error.message} ${remedy}`, error);
}

import { GrpcServer, type GrpcServerOptions } from '../grpc/server.ts';
import { HttpEndpoint } from '../telemetry/http-endpoint.ts';
import { type ReadinessOptions, ReadinessProbe } from '../telemetry/readiness.ts';
import type { Site } from './site.ts';

const READINESS_INTERVAL_MS = 1_000;

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
  const { config, logger, closers } = site;
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
    onChange: ({ ready, reasons }) => {
      server.health.setServing(ready);
      if (ready) logger.info({}, 'sign-in works');
      else logger.warn({ reasons: reasons.join('; ') }, 'sign-in cannot work now');
    },
  });
  const metricsUrl = await openMetrics(site, readiness);
  const address = await server.listen();
  let cleanEnd = true;
  closers.add(async () => {
    cleanEnd = await server.drain({ delayMs: config.drainDelayMs, timeoutMs: config.drainTimeoutMs });
  });
  await readiness.start();
  closers.add(() => readiness.close());
  return { address, metricsUrl, cleanEnd: () => cleanEnd };
}

async function openMetrics({ config, metrics, closers }: Site, readiness: ReadinessProbe) {
  if (config.metricsListen === undefined) return undefined;
  const { host, port } = config.metricsListen;
  const endpoint = await HttpEndpoint.open({ host, port, metrics, readiness: () => readiness.current });
  closers.add(() => endpoint.close());
  return endpoint.url;
}

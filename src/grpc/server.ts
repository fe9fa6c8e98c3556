import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { logFailedHandshakes } from './failed-handshakes.ts';
import { HandedOverConnections } from './handed-over-connections.ts';
import { ServiceHealth } from './health.ts';
import { refuseCompression } from './interceptors/compression.ts';
import { requestFrames } from './interceptors/request-frames.ts';
import { wireFaults } from './interceptors/wire-faults.ts';
import { addReflection } from './reflection.ts';
import { trimRequestHeaders } from './request-headers.ts';
import { LIBRARY_LIMITS } from './request-limits.ts';
import { SERVER_LIMITS } from './server-limits.ts';
import { type ServerLog, takeLibraryLog } from './server-log.ts';
import type { ServiceRegistration } from './service-registration.ts';
import { TlsCredentials, type TlsFiles } from './tls-credentials.ts';
import { removeStaleSocket, unixSocketPath } from './unix-socket.ts';

const DEFAULT_TLS_RELOAD_MS = 10_000;
/** How long connections may take to close after their calls were cancelled; milliseconds. */
const CLOSING_MS = 1_000;

export interface GrpcServerOptions {
  /** `host:port`, `[ipv6]:port` or `unix:/path`. Port 0: the system chooses a free port. */
  readonly address: string;
  readonly services: readonly ServiceRegistration[];
  readonly reflection: boolean;
  /** Default: plaintext. */
  readonly tls?: TlsFiles;
  /** How often the certificate files are checked; milliseconds. Default 10 s. */
  readonly tlsReloadMs?: number;
  readonly log: ServerLog;
}

export interface DrainOptions {
  /** How long new connections and calls are accepted after NOT_SERVING is announced; milliseconds. */
  readonly delayMs: number;
  /** How long calls in progress may take after that; milliseconds. */
  readonly timeoutMs: number;
}

const HEALTH_SERVICE = 'grpc.health.v1.Health';

/** The gRPC server of the process: services, health and reflection on one address. */
export class GrpcServer {
  readonly health: ServiceHealth;
  readonly #server: Server;
  readonly #options: GrpcServerOptions;
  #tls: TlsCredentials | undefined;
  #boundAddress: string | undefined;
  #handedOver: HandedOverConnections | undefined;

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    takeLibraryLog(options.log);
    const interceptors = [wireFaults, refuseCompression, requestFrames(limitsByPath(options.services))];
    this.#server = new Server({ ...SERVER_LIMITS, interceptors });
    const names = options.services.map(({ name }) => name);
    for (const { definition, implementation } of options.services) {
      this.#server.addService(definition, implementation as UntypedServiceImplementation);
    }
    this.health = new ServiceHealth(names);
    this.health.addTo(this.#server);
    if (options.reflection) addReflection(this.#server, [...names, HEALTH_SERVICE]);
  }

  /**
   * Listens and serves. Returns the address with the actual port. Health reports NOT_SERVING until `health` is set.
   * Rejects with the system error if it cannot listen, or with TlsFileError.
   */
  async listen(): Promise<string> {
    const { address } = this.#options;
    const socketPath = unixSocketPath(address);
    if (socketPath !== undefined) await removeStaleSocket(socketPath);
    const port = await this.#bind(this.#credentials());
    this.#watchConnections();
    this.#boundAddress = socketPath === undefined ? address.replace(/:0$/, `:${port}`) : address;
    return this.#boundAddress;
  }

  /**
   * Serves connections that the supervisor accepted, instead of listening. Throws TlsFileError.
   *
   * @returns a function that serves a connection, or closes it once the server drains.
   */
  serveHandedOver(): (connection: Socket) => void {
    const handedOver = new HandedOverConnections(this.#server.createConnectionInjector(this.#credentials()));
    this.#watchConnections();
    this.#handedOver = handedOver;
    return (connection) => handedOver.serve(connection);
  }

  /**
   * Stops gracefully. Announces NOT_SERVING and keeps serving for the delay. Then refuses new connections and calls
   * and waits for calls in progress. Returns true if all completed, false if some were cancelled at the timeout.
   */
  async drain({ delayMs, timeoutMs }: DrainOptions): Promise<boolean> {
    this.health.drain();
    if (delayMs > 0) await wait(delayMs);
    this.health.endWatches();
    for (const { drain } of this.#options.services) drain?.();
    this.#tls?.close();
    let cut = false;
    const timeout = setTimeout(() => {
      cut = true;
    }, timeoutMs);
    // Without channelz, forceShutdown ends no sessions. `drain` ends them at the timeout.
    if (this.#boundAddress !== undefined) this.#server.drain(this.#boundAddress, timeoutMs);
    const handedOverClosed = this.#handedOver?.close(timeoutMs);
    await this.#shutDown(timeoutMs + CLOSING_MS);
    // tryShutdown waits only for connections that the library accepted itself.
    await handedOverClosed;
    clearTimeout(timeout);
    return !cut;
  }

  /** Bounded, because a TLS socket can vanish without a `close` event. The library would wait for it forever. */
  #shutDown(withinMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(resolve, withinMs);
      this.#server.tryShutdown((error) => {
        clearTimeout(limit);
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  }

  /** Attaches listeners to the HTTP/2 servers. The server must be bound or have a connection injector. */
  #watchConnections(): void {
    trimRequestHeaders(this.#server);
    if (this.#tls !== undefined) logFailedHandshakes(this.#server, this.#options.log);
  }

  #credentials(): ServerCredentials {
    const { tls, tlsReloadMs = DEFAULT_TLS_RELOAD_MS, log } = this.#options;
    if (tls === undefined) return ServerCredentials.createInsecure();
    this.#tls = TlsCredentials.load(tls, log);
    this.#tls.watch(tlsReloadMs);
    return this.#tls;
  }

  #bind(credentials: ServerCredentials): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(this.#options.address, credentials, (error, port) => {
        if (error === null) resolve(port);
        else reject(systemErrorOf(error));
      });
    });
  }
}

function limitsByPath(services: readonly ServiceRegistration[]) {
  const methods = services.flatMap(({ definition }) => Object.values(definition));
  const byPath = new Map(methods.map(({ path, limits }) => [path, limits]));
  return (path: string) => byPath.get(path) ?? LIBRARY_LIMITS;
}

/** The library wraps the system errors of all resolved addresses into one message. This extracts them. */
function systemErrorOf(error: Error): Error {
  const [, words] = /errors: \[(.+)\]$/s.exec(error.message) ?? [];
  return words === undefined ? error : new Error(words, { cause: error });
}

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
/** How long connections may take to close after their calls were cut off; milliseconds. */
const CLOSING_MS = 1_000;

export interface GrpcServerOptions {
  /** `host:port`, `[ipv6]:port` or `unix:/path`. Port 0: any that is free. */
  readonly address: string;
  readonly services: readonly ServiceRegistration[];
  readonly reflection: boolean;
  /** Left out: plaintext. */
  readonly tls?: TlsFiles;
  /** How often the certificate files are looked at. Default 10 s. */
  readonly tlsReloadMs?: number;
  readonly log: ServerLog;
}

export interface DrainOptions {
  /** From the announcement to the moment no connection is taken any more; all calls are served meanwhile. */
  readonly delayMs: number;
  /** How long calls under way may go on from there. */
  readonly timeoutMs: number;
}

const HEALTH_SERVICE = 'grpc.health.v1.Health';

/** The gRPC side of the process: services, health and reflection on one address. */
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
   * Binds, and from then on serves; answers the address with the real port. Health says NOT_SERVING until it
   * is told otherwise. Fails in the system's words if the address cannot be listened on, and with TlsFileFault.
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
   * Serves connections that another process accepts, instead of listening. Fails with TlsFileFault.
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
   * Stops without breaking anything that can be kept: announces NOT_SERVING, keeps serving for the delay, then
   * takes no new connection and no new call and waits for those under way. Answers whether all of them came
   * to their end; false: some were cut off at the timeout.
   */
  async drain({ delayMs, timeoutMs }: DrainOptions): Promise<boolean> {
    this.health.drain();
    if (delayMs > 0) await wait(delayMs);
    this.health.endWatches();
    for (const { drain } of this.#options.services) drain?.();
    this.#tls?.close();
    let cut = false;
    const patience = setTimeout(() => {
      cut = true;
    }, timeoutMs);
    // Without channelz the library's forceShutdown knows no sessions; `drain` does, and ends them at the timeout.
    if (this.#boundAddress !== undefined) this.#server.drain(this.#boundAddress, timeoutMs);
    const handedOverClosed = this.#handedOver?.close(timeoutMs);
    await this.#shutDown(timeoutMs + CLOSING_MS);
    // The library waits only for connections that it accepted itself.
    await handedOverClosed;
    clearTimeout(patience);
    return !cut;
  }

  /** Bounded: a TLS socket can vanish without a `close` event, and the library would wait for it for ever. */
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

  /** What the library does not do itself; once it has its HTTP/2 servers. */
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
        else reject(inWordsOfSystem(error));
      });
    });
  }
}

function limitsByPath(services: readonly ServiceRegistration[]) {
  const methods = services.flatMap(({ definition }) => Object.values(definition));
  const byPath = new Map(methods.map(({ path, limits }) => [path, limits]));
  return (path: string) => byPath.get(path) ?? LIBRARY_LIMITS;
}

/** The library packs what the system said, of each address that a name stands for, into a sentence of its own. */
function inWordsOfSystem(error: Error): Error {
  const [, words] = /errors: \[(.+)\]$/s.exec(error.message) ?? [];
  return words === undefined ? error : new Error(words, { cause: error });
}

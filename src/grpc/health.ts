import type {
  handleServerStreamingCall,
  Server,
  ServerWritableStream,
  ServiceDefinition,
} from '@grpc/grpc-js';
import { HealthImplementation, type ServingStatusMap } from 'grpc-health-check';

type Watch = handleServerStreamingCall<{ readonly service: string }, { readonly status: string }>;
type WatchCall = ServerWritableStream<{ readonly service: string }, { readonly status: string }>;

/**
 * `grpc.health.v1.Health` for the whole server (the empty name) and each of its services. The initial status is
 * NOT_SERVING. It stays NOT_SERVING once the server drains.
 */
export class ServiceHealth {
  readonly #names: ReadonlySet<string>;
  readonly #health: HealthImplementation;
  readonly #watches = new Set<WatchCall>();
  #draining = false;

  constructor(services: readonly string[]) {
    this.#names = new Set(['', ...services]);
    const initial: ServingStatusMap = {};
    for (const name of this.#names) initial[name] = 'NOT_SERVING';
    this.#health = new HealthImplementation(initial);
  }

  /** Sets the status that load balancers act on. Has no effect while draining. */
  setServing(serving: boolean): void {
    if (!this.#draining) this.#announce(serving ? 'SERVING' : 'NOT_SERVING');
  }

  /** Announces NOT_SERVING permanently. */
  drain(): void {
    this.#draining = true;
    this.#announce('NOT_SERVING');
  }

  /** Ends every Watch stream. Otherwise a shutdown would wait for them until its timeout. */
  endWatches(): void {
    for (const watch of this.#watches) watch.end();
  }

  addTo(server: Server): void {
    this.#health.addToServer({
      addService: (definition, { watch, ...others }) => {
        server.addService(definition as ServiceDefinition, {
          ...others,
          watch: this.#guarded(watch as Watch),
        });
      },
    });
  }

  #announce(status: 'SERVING' | 'NOT_SERVING'): void {
    for (const name of this.#names) this.#health.setStatus(name, status);
  }

  /** The library stores every watched name permanently, so unknown names are handled here. */
  #guarded(watch: Watch): Watch {
    return (call) => {
      this.#watches.add(call);
      call.once('cancelled', () => this.#watches.delete(call));
      if (this.#names.has(call.request.service)) watch(call);
      else call.write({ status: 'SERVICE_UNKNOWN' });
    };
  }
}

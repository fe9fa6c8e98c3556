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
 * `grpc.health.v1.Health` for the server as a whole (the empty name) and for each of its services. It begins
 * as NOT_SERVING, and once the server drains it stays so.
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

  /** Whether the service can do its work: what a load balancer goes by. */
  setServing(serving: boolean): void {
    if (!this.#draining) this.#announce(serving ? 'SERVING' : 'NOT_SERVING');
  }

  /** Announces NOT_SERVING, for good. */
  drain(): void {
    this.#draining = true;
    this.#announce('NOT_SERVING');
  }

  /** Ends every Watch: a shutdown would wait for them until it loses its patience. */
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

  /** The library keeps an entry for every name that was ever watched, so it only hears of names that exist. */
  #guarded(watch: Watch): Watch {
    return (call) => {
      this.#watches.add(call);
      call.once('cancelled', () => this.#watches.delete(call));
      if (this.#names.has(call.request.service)) watch(call);
      else call.write({ status: 'SERVICE_UNKNOWN' });
    };
  }
}

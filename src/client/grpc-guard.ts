import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import type { Access } from './access.ts';
import {
  admit,
  checkGuard,
  type GuardClient,
  type GuardOptions,
  onceASecond,
  type Refusal,
  whileUnderWay,
} from './admission.ts';
import { accessByMethod, type MethodRules } from './grpc-rules.ts';
import { HeldCalls } from './held-calls.ts';
import { bindIdentity } from './identity-of.ts';
import { maskLibraryTrace } from './library-log.ts';
import { refusalStatus } from './refusal-status.ts';

// biome-ignore lint: grpc-js reads its own variables, when it is imported; there is no other way to know of them.
maskLibraryTrace(process.env);

export interface GrpcGuardOptions extends GuardOptions {
  /**
   * Access by full path, `/pkg.Service/Method` or `/pkg.Service/*`; the more specific wins. Health checking and
   * reflection are public unless a rule says otherwise. A rule for a method that does not exist is not noticed:
   * with `otherwise` left as it is, a mistyped path closes more than was meant, never less.
   */
  readonly rules?: MethodRules;
  /** Access where no rule is. Default: `signed-in`. */
  readonly otherwise?: Access;
}

type Handler = Parameters<ServerInterceptingCallInterface['start']>[0];
type SentStatus = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

/**
 * Guards every method of a grpc-js server: `new Server({ interceptors: [grpcGuard(client)] })`.
 *
 * A handler runs once its caller is admitted and not before; nothing of the request is read until then. Refused
 * calls end as UNAUTHENTICATED, PERMISSION_DENIED or, where nobody can say, UNAVAILABLE. A call that lasts ends as
 * UNAUTHENTICATED when the session ends (at once in local mode, within about a second in remote mode) or the token
 * expires (within about a second), and as UNAVAILABLE when nobody can say any more; its handler sees `cancelled`.
 */
export function grpcGuard(client: GuardClient, options: GrpcGuardOptions = {}): ServerInterceptor {
  checkGuard('grpcGuard', client, options, { rules: true, otherwise: true });
  const { rules = {}, otherwise = 'signed-in' } = options;
  const accessOf = accessByMethod(rules, otherwise);
  const context: GuardContext = { client, options: onceASecond(options), held: new HeldCalls(client) };
  return ({ path }, call) => {
    const access = accessOf(path);
    return access === 'public' ? new ServerInterceptingCall(call) : new GuardedCall(call, context, access);
  };
}

interface GuardContext {
  readonly client: GuardClient;
  readonly options: GuardOptions;
  readonly held: HeldCalls;
}

/**
 * deciding -> open -> over, or deciding -> over. The handler hears of the call when it is open. When it is over,
 * what the handler still sends is dropped: nothing may follow the status on the wire.
 */
class GuardedCall extends ServerInterceptingCall {
  readonly #context: GuardContext;
  readonly #access: Access;
  #state: 'deciding' | 'open' | 'over' = 'deciding';
  #readWanted = false;
  #handlerTold = false;
  #release: (() => void) | undefined;

  constructor(call: ServerInterceptingCallInterface, context: GuardContext, access: Access) {
    super(call);
    this.#context = context;
    this.#access = access;
  }

  override start(handler: Handler): void {
    super.start({
      onReceiveMetadata: (metadata) => void this.#decide(metadata, handler),
      onReceiveMessage: (message) => {
        if (this.#state === 'open') handler.onReceiveMessage(message);
      },
      onReceiveHalfClose: () => {
        if (this.#state === 'open') handler.onReceiveHalfClose();
      },
      // Comes at the end of every call, whoever ended it.
      onCancel: () => {
        this.#close();
        this.#tellHandler(handler);
      },
    });
  }

  /** A message is asked for only once the call is open, so none can come before and be lost. */
  override startRead(): void {
    if (this.#state === 'deciding') this.#readWanted = true;
    if (this.#state !== 'open') return;
    this.#readWanted = false;
    super.startRead();
  }

  override sendMetadata(metadata: Metadata): void {
    if (this.#state !== 'over') super.sendMetadata(metadata);
  }

  override sendMessage(message: unknown, callback: () => void): void {
    if (this.#state !== 'over') super.sendMessage(message, callback);
  }

  override sendStatus(status: SentStatus): void {
    if (this.#state === 'over') return;
    this.#close();
    super.sendStatus(status);
  }

  async #decide(metadata: Metadata, handler: Handler): Promise<void> {
    const { client, options, held } = this.#context;
    const authorization = metadata.get('authorization').map(String);
    const admission = await admit(client, authorization, this.#access, options);
    if (this.#state !== 'deciding') return;
    if (admission.kind !== 'admitted') {
      this.sendStatus(refusalStatus(admission));
      return;
    }
    const { identity } = admission;
    if (identity !== undefined) {
      bindIdentity(metadata, identity);
      const again = whileUnderWay(options);
      this.#release = held.hold({
        identity,
        judgeAgain: () => admit(client, authorization, this.#access, again),
        end: (refusal) => this.#end(refusal, handler),
      });
    }
    this.#state = 'open';
    handler.onReceiveMetadata(metadata);
    if (this.#readWanted) this.startRead();
  }

  #end(refusal: Refusal, handler: Handler): void {
    this.sendStatus(refusalStatus(refusal));
    // A client that does not read holds the status up; the handler shall not go on until it does.
    queueMicrotask(() => this.#tellHandler(handler));
  }

  #close(): void {
    this.#state = 'over';
    this.#release?.();
    this.#release = undefined;
  }

  #tellHandler(handler: Handler): void {
    if (this.#handlerTold) return;
    this.#handlerTold = true;
    handler.onCancel();
  }
}

import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  setLogger,
} from '@grpc/grpc-js';
import { maskCredentials } from '../../validator/masked-credentials.ts';
import type { Access } from './access.ts';
import { ActiveCalls } from './active-calls.ts';
import {
  admit,
  checkGuard,
  type GuardClient,
  type GuardOptions,
  type Refusal,
  revalidationOptions,
  withLimitedReports,
} from './admission.ts';
import { accessByMethod, type MethodRules } from './grpc-rules.ts';
import { bindIdentity } from './identity-of.ts';
import { refusalStatus } from './refusal-status.ts';

// biome-ignore lint/style/noProcessEnv: grpc-js reads these variables at import, so the mask must read them too.
// biome-ignore lint/plugin: only these variables say whether grpc-js writes tokens into its trace.
maskLibraryTrace(process.env);

/**
 * Options of `grpcGuard`.
 *
 * @example
 * const options: GrpcGuardOptions = { rules: { '/shop.Orders/List': 'public' }, otherwise: { anyRole: ['admin'] } };
 * const server = new Server({ interceptors: [grpcGuard(latchkey, options)] });
 */
export interface GrpcGuardOptions extends GuardOptions {
  /**
   * Access by full path: `/pkg.Service/Method` or `/pkg.Service/*`. The more specific rule wins. Health checking and
   * reflection are public unless a rule covers them. The guard cannot detect a mistyped path: the
   * method that was meant then gets `otherwise`. Default: none.
   */
  readonly rules?: MethodRules | undefined;
  /** Access to methods without a rule. Default: `signed-in`. */
  readonly otherwise?: Access | undefined;
}

type Handler = Parameters<ServerInterceptingCallInterface['start']>[0];
type SentStatus = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

/**
 * Creates an interceptor that guards every method of a grpc-js server.
 *
 * A handler runs only after its caller is admitted; no message is read before that. Refused calls fail with
 * UNAUTHENTICATED or PERMISSION_DENIED, or with UNAVAILABLE if validation is not possible.
 *
 * A long call ends with UNAUTHENTICATED when its session ends: immediately in local mode, within about a second in
 * remote mode. It also ends within about a second after its token expires. If validation becomes impossible, it ends
 * with UNAVAILABLE. Its handler sees `cancelled`.
 *
 * @param client a client from `connect`.
 * @param options see {@link GrpcGuardOptions}.
 * @throws TypeError if the client, an option or a rule is invalid.
 *
 * @example
 * const rules = { '/shop.Orders/Delete': { anyRole: ['admin'] } };
 * const server = new Server({ interceptors: [grpcGuard(latchkey, { rules })] });
 */
export function grpcGuard(client: GuardClient, options: GrpcGuardOptions = {}): ServerInterceptor {
  checkGuard('grpcGuard', client, options, { rules: true, otherwise: true });
  const { rules = {}, otherwise = 'signed-in' } = options;
  const accessOf = accessByMethod(rules, otherwise);
  const reporting = withLimitedReports(options);
  const context: GuardContext = {
    client,
    options: reporting,
    revalidation: revalidationOptions(reporting),
    activeCalls: new ActiveCalls(client),
  };
  return ({ path }, call) => {
    const access = accessOf(path);
    return access === 'public' ? new ServerInterceptingCall(call) : new GuardedCall(call, context, access);
  };
}

interface GuardContext {
  readonly client: GuardClient;
  readonly options: GuardOptions;
  readonly revalidation: GuardOptions;
  readonly activeCalls: ActiveCalls;
}

/**
 * States: deciding -> open -> over, or deciding -> over. The handler starts when the call is open. Once it is over,
 * messages of the handler are dropped, because nothing may follow the status on the wire.
 */
class GuardedCall extends ServerInterceptingCall {
  readonly #context: GuardContext;
  readonly #access: Access;
  #state: 'deciding' | 'open' | 'over' = 'deciding';
  #isReadRequested = false;
  #handlerCancelled = false;
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
      // grpc-js calls this at the end of every call, whichever side ended it.
      onCancel: () => {
        this.#close();
        this.#cancelHandler(handler);
      },
    });
  }

  /** Reads no message until the call is open, so none can arrive early and be lost. */
  override startRead(): void {
    if (this.#state === 'deciding') this.#isReadRequested = true;
    if (this.#state !== 'open') return;
    this.#isReadRequested = false;
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
    const { client, options, revalidation, activeCalls } = this.#context;
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
      this.#release = activeCalls.add({
        identity,
        validateAgain: () => admit(client, authorization, this.#access, revalidation),
        end: (refusal) => this.#end(refusal, handler),
      });
    }
    this.#state = 'open';
    handler.onReceiveMetadata(metadata);
    if (this.#isReadRequested) this.startRead();
  }

  #end(refusal: Refusal, handler: Handler): void {
    this.sendStatus(refusalStatus(refusal));
    // A client that does not read delays the status. The handler must stop without waiting for it.
    queueMicrotask(() => this.#cancelHandler(handler));
  }

  #close(): void {
    this.#state = 'over';
    this.#release?.();
    this.#release = undefined;
  }

  #cancelHandler(handler: Handler): void {
    if (this.#handlerCancelled) return;
    this.#handlerCancelled = true;
    handler.onCancel();
  }
}

/** Starts each line with the same letter as grpc-js. */
function writer(mark: 'D' | 'E' | 'I') {
  return (text: unknown) => void process.stderr.write(`${mark} ${maskCredentials(String(text))}\n`);
}

/**
 * Masks tokens in the output of `GRPC_TRACE`, where grpc-js prints request headers. Without a trace it does nothing.
 * It runs at import, so a logger that the application sets later replaces it.
 */
function maskLibraryTrace(environment: Readonly<Record<string, string | undefined>>): void {
  const { GRPC_TRACE, GRPC_NODE_TRACE } = environment;
  if (!GRPC_TRACE && !GRPC_NODE_TRACE) return;
  setLogger({ debug: writer('D'), info: writer('I'), error: writer('E') });
}

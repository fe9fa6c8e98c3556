import type { KeyService } from '../core/keys/key-service.ts';
import type { RevocationSubscriptions } from '../core/revocation/revocation-subscriptions.ts';
import {
  GetSigningKeysRequest,
  GetSigningKeysResponse,
  ValidationServiceService,
  WatchRevocationsRequest,
} from '../gen/latchkey/v1/validation.ts';
import {
  type CallerAuth,
  type CallerTokens,
  serviceCallers,
  serviceCheck,
} from './interceptors/caller-auth.ts';
import { durationMessage } from './messages/duration-message.ts';
import { WatchEncoder } from './messages/watch-encoder.ts';
import { RevocationStream } from './revocation-stream.ts';
import { serverStreamingService } from './server-streaming.ts';
import type { CallEnvironment, ServiceRegistration } from './service-registration.ts';
import { unaryService } from './unary.ts';
import { checkWatchRevocations, heartbeatMsOf } from './validation-fields.ts';

/** The core services behind ValidationService. */
export interface ValidationCore {
  readonly keys: Pick<KeyService, 'currentPublicKeys'>;
  readonly subscriptions: Pick<RevocationSubscriptions, 'watch'>;
  readonly tokens: CallerTokens;
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** Maximum age of an access token since its issue; milliseconds. */
  readonly maxTokenLifeMs: number;
}

/** Must be much shorter than the time for which a key is published before it signs. */
const KEYS_MAX_AGE_MS = 60_000;

/** `latchkey.v1.ValidationService`. */
export function validationService(
  core: ValidationCore,
  callerAuth: CallerAuth,
  environment: CallEnvironment,
): ServiceRegistration {
  const { getSigningKeys, watchRevocations } = ValidationServiceService;
  const callers = serviceCallers(callerAuth, core.tokens);
  const parts = {
    subscriptions: core.subscriptions,
    encoder: new WatchEncoder(),
    clock: environment.clock,
    checkCaller: serviceCheck(callerAuth, core.tokens),
  };
  const unary = unaryService(
    { getSigningKeys },
    {
      getSigningKeys: {
        request: GetSigningKeysRequest,
        response: GetSigningKeysResponse,
        callers,
        check: () => {},
        handle: () => signingKeys(core),
      },
    },
    environment,
  );
  const streaming = serverStreamingService(
    { watchRevocations },
    {
      watchRevocations: {
        request: WatchRevocationsRequest,
        callers,
        check: checkWatchRevocations,
        handle: (request, call) => {
          const after = positionOf(request);
          return new RevocationStream(parts, call, { heartbeatMs: heartbeatMsOf(request), after }).run();
        },
      },
    },
    environment,
  );
  return {
    ...streaming,
    definition: { ...unary.definition, ...streaming.definition },
    implementation: { ...unary.implementation, ...streaming.implementation },
  };
}

async function signingKeys(core: ValidationCore): Promise<GetSigningKeysResponse> {
  const { keys, issuer, audiences, maxTokenLifeMs } = core;
  return {
    jwks: JSON.stringify({ keys: await keys.currentPublicKeys() }),
    maxAge: durationMessage(KEYS_MAX_AGE_MS),
    issuer,
    audiences,
    maxTokenLife: durationMessage(maxTokenLifeMs),
  };
}

function positionOf({ afterRevision: revision, coveredSince }: WatchRevocationsRequest) {
  return coveredSince === undefined ? undefined : { revision, coveredSince: coveredSince.getTime() };
}

import { status } from '@grpc/grpc-js';
import type { BatchValidateRequest, IdentityServiceService } from '../../gen/latchkey/v1/identity.ts';
import { Consistency } from '../../gen/latchkey/v1/validation.ts';
import { MAX_TOKEN_LENGTH } from '../../validator/access-token.ts';
import type { Clock } from '../../validator/clock.ts';
import { Batcher } from './batcher.ts';
import type { CallsOf } from './calls.ts';
import { LatchkeyError } from './errors.ts';
import type { Requirements, TokenValidator, Validation } from './validation.ts';
import { validationOf } from './validation-message.ts';

export interface RemoteValidationOptions {
  readonly batchValidate: CallsOf<typeof IdentityServiceService>['batchValidate'];
  readonly audience: string | undefined;
  /** The number of addresses that calls are spread over. */
  readonly connections: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Registers work in progress. */
  readonly track: (work: Promise<void>) => void;
}

type RequirementFields = Omit<BatchValidateRequest, 'accessTokens'>;

/** Calls in progress for each connection. A further one starts only while the others are slow. */
const MAX_CONCURRENT = 32;

/** Validates every token in the service. */
export class RemoteValidation implements TokenValidator {
  readonly #options: RemoteValidationOptions;
  readonly #batcher: Batcher<RequirementFields, Validation>;
  /** The fields where a call has no requirements. */
  readonly #default: RequirementFields;

  constructor(options: RemoteValidationOptions) {
    const { timeoutMs, clock, connections, track } = options;
    this.#options = options;
    this.#default = this.#fieldsOf({});
    this.#batcher = new Batcher({
      ask: (tokens, requirements, withinMs) => this.#ask(tokens, requirements, withinMs),
      maxConcurrent: MAX_CONCURRENT * connections,
      maxConcurrentYoung: connections,
      track,
      timeoutMs,
      clock,
    });
  }

  validate(token: string, requirements?: Requirements): Promise<Validation> {
    const fields = requirements === undefined ? this.#default : this.#fieldsOf(requirements);
    const key = fields === this.#default ? '' : JSON.stringify(fields);
    // Too long a token gets the same verdict as an empty one, and would displace others in the batch.
    const sent = Buffer.byteLength(token) > MAX_TOKEN_LENGTH ? '' : token;
    return this.#batcher.ask(sent, key, fields);
  }

  #fieldsOf({ consistency, audience, atLeastRevision = '' }: Requirements): RequirementFields {
    return {
      consistency: consistency === 'strong' ? Consistency.STRONG : Consistency.BOUNDED,
      // As in the protocol, an empty audience counts as omitted. It does not mean any audience.
      audience: audience || this.#options.audience || '',
      atLeastRevision,
    };
  }

  async #ask(
    accessTokens: readonly string[],
    requirements: RequirementFields,
    timeoutMs: number,
  ): Promise<readonly Validation[]> {
    const answer = await this.#options.batchValidate({ accessTokens, ...requirements }, { timeoutMs });
    if (answer.verdicts.length !== accessTokens.length) {
      throw new LatchkeyError(status.INTERNAL, 'The service did not return one verdict for each token.');
    }
    return answer.verdicts.map(({ verdict }) => validationOf(verdict, answer));
  }
}

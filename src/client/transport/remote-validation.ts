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
}

type RequirementFields = Omit<BatchValidateRequest, 'accessTokens'>;

/** Calls in progress for each connection. Two: one request travels while another response returns. */
const MOST_UNDER_WAY = 2;

/** Validates every token in the service. */
export class RemoteValidation implements TokenValidator {
  readonly #options: RemoteValidationOptions;
  readonly #batcher: Batcher<RequirementFields, Validation>;

  constructor(options: RemoteValidationOptions) {
    const { timeoutMs, clock, connections } = options;
    this.#options = options;
    this.#batcher = new Batcher({
      ask: (tokens, requirements, withinMs) => this.#ask(tokens, requirements, withinMs),
      mostUnderWay: MOST_UNDER_WAY * connections,
      timeoutMs,
      clock,
    });
  }

  validate(token: string, requirements: Requirements = {}): Promise<Validation> {
    const { atLeastRevision = '' } = requirements;
    // As in the protocol, an empty audience counts as omitted. It does not mean any audience.
    const audience = requirements.audience || this.#options.audience || '';
    const consistency = requirements.consistency === 'strong' ? Consistency.STRONG : Consistency.BOUNDED;
    const fields = { consistency, audience, atLeastRevision };
    // Too long a token gets the same verdict as an empty one, and would displace others in the batch.
    const sent = Buffer.byteLength(token) > MAX_TOKEN_LENGTH ? '' : token;
    return this.#batcher.ask(sent, JSON.stringify(fields), fields);
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

import { status } from '@grpc/grpc-js';
import type { BatchValidateRequest, IdentityServiceService } from '../gen/latchkey/v1/identity.ts';
import { Consistency } from '../gen/latchkey/v1/validation.ts';
import { MAX_TOKEN_LENGTH } from '../validator/access-token.ts';
import type { Clock } from '../validator/clock.ts';
import { Batcher } from './batcher.ts';
import type { CallsOf } from './calls.ts';
import { LatchkeyError } from './errors.ts';
import type { TokenValidator, ValidateDemand, Validation } from './validation.ts';
import { validationOf } from './validation-message.ts';

export interface RemoteValidationOptions {
  readonly batchValidate: CallsOf<typeof IdentityServiceService>['batchValidate'];
  readonly audience: string | undefined;
  /** How many addresses calls are spread over. */
  readonly connections: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

type DemandFields = Omit<BatchValidateRequest, 'accessTokens'>;

/** Two: one is on its way there while the other one is on its way back. */
const MOST_UNDER_WAY = 2;

/** Asks the service about every token. */
export class RemoteValidation implements TokenValidator {
  readonly #options: RemoteValidationOptions;
  readonly #batcher: Batcher<DemandFields, Validation>;

  constructor(options: RemoteValidationOptions) {
    const { timeoutMs, clock, connections } = options;
    this.#options = options;
    this.#batcher = new Batcher({
      ask: (tokens, demand, withinMs) => this.#ask(tokens, demand, withinMs),
      mostUnderWay: MOST_UNDER_WAY * connections,
      timeoutMs,
      clock,
    });
  }

  validate(token: string, demand: ValidateDemand = {}): Promise<Validation> {
    const { atLeastRevision = '' } = demand;
    // Empty is left out, as in the protocol, and not another way to say anybody.
    const audience = demand.audience || this.#options.audience || '';
    const consistency = demand.consistency === 'strong' ? Consistency.STRONG : Consistency.BOUNDED;
    const fields = { consistency, audience, atLeastRevision };
    // The verdict on one that is too long is that on none at all, and it would take the place of others.
    const sent = Buffer.byteLength(token) > MAX_TOKEN_LENGTH ? '' : token;
    return this.#batcher.ask(sent, JSON.stringify(fields), fields);
  }

  async #ask(
    accessTokens: readonly string[],
    demand: DemandFields,
    timeoutMs: number,
  ): Promise<readonly Validation[]> {
    const answer = await this.#options.batchValidate({ accessTokens, ...demand }, { timeoutMs });
    if (answer.verdicts.length !== accessTokens.length) {
      throw new LatchkeyError(status.INTERNAL, 'The answer does not hold a verdict for each token.');
    }
    return answer.verdicts.map(({ verdict }) => validationOf(verdict, answer));
  }
}

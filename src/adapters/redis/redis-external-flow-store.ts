import { type ExternalFlow, FLOW_TTL_MS, type TakeOutcome } from '../../core/sign-in/external-flow.ts';
import type { ExternalFlowStore } from '../../core/sign-in/external-flow-store.ts';
import type { ProviderAccount } from '../../core/sign-in/identity-provider.ts';
import type { Clock } from '../../validator/clock.ts';
import { answerInTime } from '../answer-in-time.ts';
import type { RedisClient } from './connection.ts';
import { formatAccount, formatFlow, parseFlow } from './external-flow-record.ts';
import { flowKey } from './keys.ts';
import { Script } from './script.ts';
import { ScriptRunner } from './script-runner.ts';
import { expectOwn, texts } from './session-reply.ts';
import { fieldsOf } from './stored-values.ts';

export interface RedisExternalFlowStoreOptions {
  readonly commands: RedisClient;
  /** Time limit of each operation; milliseconds. */
  readonly deadlineMs: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}

const create = new Script('create-hash', []);
const take = new Script('take-flow', []);
const settle = new Script('settle-flow', []);
const bind = new Script('bind-flow', []);

/** Stores flows to identity providers in Redis, a hash for each. */
export class RedisExternalFlowStore implements ExternalFlowStore {
  readonly #deadlineMs: number;
  readonly #runner: ScriptRunner;

  constructor({ commands: client, deadlineMs, clock }: RedisExternalFlowStoreOptions) {
    this.#deadlineMs = deadlineMs;
    this.#runner = new ScriptRunner({ client, deadlineMs, clock });
  }

  async create(flow: ExternalFlow, now: number): Promise<void> {
    const args = [flow.expiresAt - now, ...Object.entries(formatFlow(flow)).flat()];
    await this.#run(create, flow.flowId, args);
  }

  async take(flowId: string, secretHash: string, sessionId: string, now: number): Promise<TakeOutcome> {
    const args = [flowId, now, secretHash, sessionId, FLOW_TTL_MS];
    const [kind, answered, ...fields] = texts(await this.#run(take, flowId, args));
    expectOwn(flowId, answered);
    const flow = parseFlow(flowId, fieldsOf(fields));
    if (flow === undefined || (kind !== 'taken' && kind !== 'again')) return { kind: 'missing' };
    return { kind, flow };
  }

  async settle(flowId: string, account: ProviderAccount | undefined): Promise<void> {
    const state = account === undefined ? 'FAILED' : 'IDENTIFIED';
    await this.#run(settle, flowId, [state, formatAccount(account)]);
  }

  async bind(flowId: string, userId: string): Promise<string> {
    const [answered, bound = ''] = texts(await this.#run(bind, flowId, [flowId, userId]));
    expectOwn(flowId, answered);
    return bound;
  }

  #run(script: Script, flowId: string, args: readonly (string | number)[]): Promise<unknown> {
    return answerInTime('sessions', this.#deadlineMs, () =>
      this.#runner.run(script, [flowKey(flowId)], args),
    );
  }
}

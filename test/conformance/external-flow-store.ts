import { beforeEach, describe, expect, test } from '@jest/globals';
import { type ExternalFlow, FLOW_TTL_MS } from '../../src/core/sign-in/external-flow.ts';
import type { ExternalFlowStore } from '../../src/core/sign-in/external-flow-store.ts';
import { newRandomId } from '../../src/core/sign-in/random-secrets.ts';
import { ids } from '../support/sessions.ts';

const AT_ONCE = 50;
const SECRET_HASH = 'hash of the secret';
const ACCOUNT = { subject: 'sub "]\u00e9', displayName: 'Ada', methods: ['pwd', 'mfa'] };

/** A new flow at `now`. */
export function aFlow(now: number, given: Partial<ExternalFlow> = {}): ExternalFlow {
  return {
    ...{ flowId: newRandomId(), secretHash: SECRET_HASH, provider: 'acme', linkingSession: undefined },
    ...{ state: 'PENDING', expiresAt: now + FLOW_TTL_MS, sessionId: '', takenAt: 0, account: undefined },
    ...given,
  };
}

/** The law of `ExternalFlowStore`. @param open a store as one process opens it; two of them share their flows. */
export function externalFlowStoreLaw(name: string, open: () => ExternalFlowStore): void {
  describe(`flows to identity providers in ${name}`, () => {
    let now: number;
    let flow: ExternalFlow;
    beforeEach(async () => {
      now = Date.now();
      flow = aFlow(now);
      await open().create(flow, now);
    });

    const sessionId = ids.next(0);
    const take = (at = now, secretHash = SECRET_HASH, session = sessionId) =>
      open().take(flow.flowId, secretHash, session, at);

    test('are taken once, and keep who took them', async () => {
      const taken = {
        ...flow,
        state: 'TAKEN',
        sessionId,
        takenAt: now + 5,
        expiresAt: now + 5 + FLOW_TTL_MS,
      };
      expect(await take(now + 5)).toEqual({ kind: 'taken', flow: taken });
      expect(await take(now + 9, SECRET_HASH, ids.next(1))).toEqual({ kind: 'again', flow: taken });
    });

    test('are taken by one call, however many try at the same time', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, n) => take(now, SECRET_HASH, ids.next(n))),
      );
      expect(outcomes.filter(({ kind }) => kind === 'taken')).toHaveLength(1);
      const sessions = outcomes.map((each) => ('flow' in each ? each.flow.sessionId : each.kind));
      expect(new Set(sessions).size).toBe(1);
    });

    test('that are unknown, expired, or asked for with a wrong secret are missing and stay as they are', async () => {
      expect(await take(now, 'wrong')).toEqual({ kind: 'missing' });
      expect(await open().take(newRandomId(), SECRET_HASH, sessionId, now)).toEqual({ kind: 'missing' });
      expect(await take(now + FLOW_TTL_MS)).toEqual({ kind: 'missing' });
      expect(await take(now + FLOW_TTL_MS - 1)).toMatchObject({ kind: 'taken' });
    });

    test('keep the session that links an account', async () => {
      const linkingSession = { userId: ids.next(0), sessionId: ids.next(0) };
      const linking = aFlow(now, { linkingSession });
      await open().create(linking, now);
      const taken = await open().take(linking.flowId, SECRET_HASH, sessionId, now);
      expect(taken).toMatchObject({ kind: 'taken', flow: { linkingSession } });
    });

    test('keep the account once they are taken, and the first one only', async () => {
      await open().settle(flow.flowId, ACCOUNT);
      expect(await take()).toMatchObject({ kind: 'taken' });
      await open().settle(flow.flowId, ACCOUNT);
      await open().settle(flow.flowId, { ...ACCOUNT, subject: 'other' });
      await open().settle(flow.flowId, undefined);
      expect(await take()).toMatchObject({ kind: 'again', flow: { state: 'IDENTIFIED', account: ACCOUNT } });
    });

    test('keep the first user', async () => {
      const bound = await Promise.all(['ada', 'eve', 'ada'].map((user) => open().bind(flow.flowId, user)));
      expect(new Set(bound).size).toBe(1);
      expect(await open().bind(flow.flowId, 'bob')).toBe(bound[0]);
      expect(await take()).toMatchObject({ kind: 'taken' });
      const unknown = newRandomId();
      expect(await open().bind(unknown, 'ada')).toBe('');
      expect(await open().take(unknown, SECRET_HASH, sessionId, now)).toEqual({ kind: 'missing' });
    });

    test('that failed have no account', async () => {
      await take();
      await open().settle(flow.flowId, undefined);
      expect(await take()).toMatchObject({ kind: 'again', flow: { state: 'FAILED', account: undefined } });
      await open().settle(newRandomId(), ACCOUNT);
    });
  });
}

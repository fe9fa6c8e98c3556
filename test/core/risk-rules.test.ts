import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type AssessedStep,
  decideRisk,
  RISK_ACTIONS,
  type RiskRule,
  SIGN_IN_SIGNALS,
} from '../../src/core/risk/risk-rules.ts';
import { HOUR } from '../support/sessions.ts';

const NOTE: RiskRule = { at: 'sign-in', signals: ['new-network'], action: 'note' };
const SHORTEN: RiskRule = { at: 'sign-in', signals: ['new-device'], action: 'shorten', lifetimeMs: HOUR };
const END: RiskRule = { at: 'sign-in', signals: ['new-country', 'new-device'], action: 'end-session' };
const END_ALL: RiskRule = { at: 'refresh', signals: ['new-country'], action: 'end-all' };
const RULES = [NOTE, SHORTEN, END, END_ALL];

describe('a risk rule', () => {
  test.each<[AssessedStep, RiskRule['signals'], ReturnType<typeof decideRisk>]>([
    ['sign-in', [], undefined],
    ['sign-in', ['unusual-hour'], undefined],
    ['sign-in', ['new-network'], { action: 'note' }],
    ['sign-in', ['new-device', 'new-network'], { action: 'shorten', lifetimeMs: HOUR }],
    ['sign-in', ['new-country'], undefined],
    ['sign-in', ['new-device', 'new-network', 'new-country'], { action: 'end-session' }],
    ['refresh', ['new-country', 'new-network'], { action: 'end-all' }],
    ['refresh', ['new-network'], undefined],
  ])(
    'applies at %s if all of its signals are among %j, and the strictest wins: %j',
    (at, signals, verdict) => {
      expect(decideRisk(RULES, at, signals)).toEqual(verdict);
      expect(decideRisk(RULES.toReversed(), at, signals)).toEqual(verdict);
    },
  );
});

describe('the verdict of any rules', () => {
  const signals = fc.subarray([...SIGN_IN_SIGNALS]);
  const rule = fc
    .record({
      at: fc.constantFrom<AssessedStep>('sign-in', 'refresh'),
      signals: fc.subarray([...SIGN_IN_SIGNALS], { minLength: 1 }),
      action: fc.constantFrom(...RISK_ACTIONS),
      lifetimeMs: fc.integer({ min: 1, max: 5 }),
    })
    .map(
      ({ action, lifetimeMs, ...when }): RiskRule =>
        action === 'shorten' ? { ...when, action, lifetimeMs } : { ...when, action },
    );
  const strictness = (verdict: ReturnType<typeof decideRisk>) =>
    verdict === undefined ? -1 : RISK_ACTIONS.indexOf(verdict.action);

  test('is that of one rule alone, and no other rule alone is stricter or shortens more', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 6 }), signals, (rules, present) => {
        const verdict = decideRisk(rules, 'sign-in', present);
        const alone = rules.map((one) => decideRisk([one], 'sign-in', present));
        if (verdict !== undefined) expect(alone).toContainEqual(verdict);
        for (const other of alone) {
          expect(strictness(verdict)).toBeGreaterThanOrEqual(strictness(other));
          if (verdict?.action === 'shorten' && other?.action === 'shorten') {
            expect(verdict.lifetimeMs).toBeLessThanOrEqual(other.lifetimeMs);
          }
        }
      }),
    );
  });

  test('does not depend on their order, and is never milder with more signals', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 6 }), signals, signals, (rules, some, more) => {
        const verdict = decideRisk(rules, 'sign-in', some);
        expect(decideRisk(rules.toReversed(), 'sign-in', some)).toEqual(verdict);
        const withMore = decideRisk(rules, 'sign-in', [...new Set([...some, ...more])]);
        expect(strictness(withMore)).toBeGreaterThanOrEqual(strictness(verdict));
      }),
    );
  });
});

import { expect, test } from '@jest/globals';
import { MemoryLoginAttempts } from '../../src/adapters/memory/memory-login-attempts.ts';
import { loginLimits } from '../../src/core/sign-in/login-limits.ts';
import { loginAttemptsLaw } from '../conformance/login-attempts.ts';
import { anAttempt, reserved } from '../support/attempts.ts';

const shared = new MemoryLoginAttempts(loginLimits(30));

loginAttemptsLaw('memory', () => shared);

test('the limit of a network is the one that was configured', async () => {
  const attempts = new MemoryLoginAttempts(loginLimits(2));
  const network = 'here';
  const outcomes = [1, 2, 3].map((now) => reserved(attempts, anAttempt(now, { network })));
  expect(await Promise.all(outcomes)).toEqual(['in', 'in', 59_998]);
});

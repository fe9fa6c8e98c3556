import { readFileSync } from 'node:fs';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import type { EndReason as DomainEndReason } from '../../src/core/audit/end-reason.ts';
import type { FailureReason } from '../../src/core/failure.ts';
import { ErrorReason } from '../../src/gen/latchkey/v1/error_reason.ts';
import type { EndReason } from '../../src/gen/latchkey/v1/session.ts';
import type { NextStep, RejectionReason } from '../../src/gen/latchkey/v1/validation.ts';
import { STATUS_BY_REASON } from '../../src/grpc/reason-table.ts';
import type { RejectionReason as DomainRejectionReason, rejected } from '../../src/validator/verdict.ts';

type Names<Enum> = Exclude<keyof Enum, 'UNSPECIFIED'>;

/** Compiles only while both sides have the same members. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;

const PROTO = path.resolve(import.meta.dirname, '../../proto');
const FILES = [
  ...[
    'v1/identity.proto',
    'v1/session.proto',
    'v1/validation.proto',
    'v1/qr_login.proto',
    'v1/external_login.proto',
  ],
  ...['admin/v1/user.proto', 'admin/v1/key.proto', 'admin/v1/session.proto', 'admin/v1/audit.proto'],
  'admin/v1/user_identity.proto',
];

function proto(file: string): string {
  return readFileSync(path.join(PROTO, 'latchkey', file), 'utf8');
}

/** The name of the status of a reason; undefined: there is no such reason. */
function codeOf(reason: string): string | undefined {
  return Object.hasOwn(STATUS_BY_REASON, reason)
    ? status[STATUS_BY_REASON[reason as FailureReason]]
    : undefined;
}

describe('error reasons', () => {
  test('have the same names in the contract, the domain and the status table', () => {
    const same: Same<Names<typeof ErrorReason>, FailureReason> = true;
    expect(same).toBe(true);
    const { UNSPECIFIED: _never, ...sent } = ErrorReason;
    expect(Object.keys(STATUS_BY_REASON).sort()).toEqual(Object.keys(sent).sort());
  });

  test('have the status that the contract states', () => {
    const documented = [
      ...proto('v1/error_reason.proto').matchAll(
        /\/\/ ([A-Z_]+)\. [^\n]*(?:\n\s*\/\/[^\n]*)*\n\s*ERROR_REASON_([A-Z_]+) = /g,
      ),
    ].map(([, code, reason]) => [reason, code]);
    const table = Object.entries(STATUS_BY_REASON).map(([reason, code]) => [reason, status[code]]);
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(table));
  });

  test.each(FILES)('that %s mentions exist, with that status', (file) => {
    const spoken = [...proto(file).matchAll(/\b([A-Z_]+)\/([A-Z][A-Z_]+)\b/g)];
    const asInTable = spoken.map(([, , reason = '']) => [reason, codeOf(reason)]);
    expect(asInTable).toEqual(spoken.map(([, code, reason]) => [reason, code]));
  });

  test.each(FILES)('that the rpcs of %s list exist', (file) => {
    const comments = proto(file).replace(/\n\s*\/\/ ?/g, ' ');
    const lists = [...comments.matchAll(/Reasons: ([A-Z_/, ]+)\./g)].map(([, list = '']) => list);
    const names = lists.flatMap((list) => list.split(/[, ]+/)).map((name) => name.split('/').at(-1) ?? '');
    expect(names.filter((name) => codeOf(name) === undefined)).toEqual([]);
  });
});

describe('the reasons of verdicts and ends', () => {
  test('are the same in the contract and the domain', () => {
    const endReasons: Same<keyof typeof EndReason, DomainEndReason> = true;
    const rejections: Same<Names<typeof RejectionReason>, DomainRejectionReason> = true;
    const nextSteps: Same<
      Names<typeof NextStep>,
      Extract<ReturnType<typeof rejected>, { kind: 'rejected' }>['nextStep']
    > = true;
    expect([endReasons, rejections, nextSteps]).toEqual([true, true, true]);
  });
});

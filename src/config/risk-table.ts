import * as v from 'valibot';
import {
  REFRESH_SIGNALS,
  RISK_ACTIONS,
  type RiskRule,
  type RiskTable,
  SIGN_IN_SIGNALS,
  type Signal,
} from '../core/risk/risk-rules.ts';
import { duration, durationText } from './scalars.ts';

export interface RiskTableLimits {
  /** Shortest `lifetime`: no access token may outlive a shortened session. Milliseconds. */
  readonly minLifetimeMs: number;
  /** Whether the country of an address can be known. */
  readonly hasCountries: boolean;
}

const MAX_RULES = 100;
const STEPS = ['sign-in', 'refresh'] as const;

/** One of these values. A problem ends a sentence that begins with the name of the member. */
function member<const Value extends string>(values: readonly Value[]) {
  return v.picklist(values, `must be one of ${values.join(', ')}`);
}

const RULE = v.strictObject(
  {
    at: member(STEPS),
    signals: v.pipe(
      v.array(member(SIGN_IN_SIGNALS), `must be a list of ${SIGN_IN_SIGNALS.join(', ')}`),
      v.minLength(1, `must have at least one of ${SIGN_IN_SIGNALS.join(', ')}`),
    ),
    action: member(RISK_ACTIONS),
    lifetime: v.optional(v.pipe(v.string('must be text, for example "1h"'), duration('1s', '3650d'))),
  },
  (issue) => memberProblem(issue.expected, 'at, signals, action and lifetime'),
);

const TABLE = v.strictObject(
  {
    mode: member(['shadow', 'enforce']),
    rules: v.pipe(v.array(RULE, 'must be a list'), v.maxLength(MAX_RULES, `must be at most ${MAX_RULES}`)),
  },
  (issue) => memberProblem(issue.expected, 'mode and rules'),
);

type ParsedRule = v.InferOutput<typeof RULE>;

/** Parses a table of risk rules. Throws an error with a message for people: which rule, and what is allowed. */
export function parseRiskTable(text: string, limits: RiskTableLimits): RiskTable {
  const read = v.safeParse(TABLE, jsonIn(text));
  if (!read.success) throw new Error(problemOf(read.issues[0]));
  const { mode, rules } = read.output;
  return { mode, rules: rules.map((rule, index) => ruleOf(rule, `rule ${index + 1}`, limits)) };
}

function ruleOf(rule: ParsedRule, name: string, { minLifetimeMs, hasCountries }: RiskTableLimits): RiskRule {
  const { at, action, lifetime } = rule;
  const signals: readonly Signal[] = [...new Set(rule.signals)];
  const never = signals.find(
    (signal) => at === 'refresh' && !(REFRESH_SIGNALS as readonly Signal[]).includes(signal),
  );
  if (never !== undefined) {
    throw new Error(
      `${name}: signals has ${never}, but at refresh it can have only ${REFRESH_SIGNALS.join(', ')}`,
    );
  }
  if (signals.includes('new-country') && !hasCountries) {
    throw new Error(`${name}: signals has new-country, which needs LATCHKEY_GEO_FILE`);
  }
  if (action !== 'shorten') {
    if (lifetime !== undefined) throw new Error(`${name}: lifetime is allowed only with the action shorten`);
    return { at, signals, action };
  }
  if (lifetime === undefined || lifetime < minLifetimeMs) {
    const least = durationText(minLifetimeMs);
    throw new Error(
      `${name}: lifetime must be set with the action shorten, to at least ${least}, the lifetime of an access token`,
    );
  }
  return { at, signals, action, lifetimeMs: lifetime };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error('it is not JSON', { cause });
  }
}

/** For example `rule 2: action must be one of note, shorten, end-session, end-all`. */
function problemOf({ path, message }: v.BaseIssue<unknown>): string {
  const [first, index, ...inRule] = (path ?? []).map(({ key }) => key);
  if (first === undefined) return message;
  if (typeof index !== 'number') return `${String(first)} ${message}`;
  return inRule.length === 0
    ? `rule ${index + 1} ${message}`
    : `rule ${index + 1}: ${String(inRule[0])} ${message}`;
}

/** The problem of an object with a member too many or too few. @param expected as valibot puts it. */
function memberProblem(expected: string | null, members: string): string {
  if (expected === 'never') return `is not known; known are ${members}`;
  return expected === 'Object' ? `must be an object with ${members}` : 'is missing';
}

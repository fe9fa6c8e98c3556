/** What can be unusual about a sign-in, in the order in which it is reported. */
export const SIGN_IN_SIGNALS = [
  'new-device',
  'new-platform',
  'new-network',
  'new-country',
  'unusual-hour',
] as const;

/** What can be unusual about a refresh: the device is that of the sign-in. */
export const REFRESH_SIGNALS = ['new-network', 'new-country', 'unusual-hour'] as const;

export type Signal = (typeof SIGN_IN_SIGNALS)[number];

/** What a rule does, mildest first. */
export const RISK_ACTIONS = ['note', 'shorten', 'end-session', 'end-all'] as const;

export type RiskAction = (typeof RISK_ACTIONS)[number];

/** When a session is assessed. */
export type AssessedStep = 'sign-in' | 'refresh';

/** Applies if all of its signals are present. */
export type RiskRule = {
  readonly at: AssessedStep;
  readonly signals: readonly Signal[];
} & (
  | { readonly action: 'shorten'; readonly lifetimeMs: number }
  | { readonly action: Exclude<RiskAction, 'shorten'> }
);

export interface RiskTable {
  /** `shadow`: only report what would be done. */
  readonly mode: 'shadow' | 'enforce';
  readonly rules: readonly RiskRule[];
}

export type RiskVerdict =
  /** The session ends at the latest this long after the assessment; milliseconds. */
  | { readonly action: 'shorten'; readonly lifetimeMs: number }
  | { readonly action: Exclude<RiskAction, 'shorten'> };

/**
 * The strictest action of the rules that apply, and the shortest lifetime if several shorten. Undefined: none applies.
 */
export function decideRisk(
  rules: readonly RiskRule[],
  at: AssessedStep,
  signals: readonly Signal[],
): RiskVerdict | undefined {
  return rules
    .filter((rule) => rule.at === at && rule.signals.every((signal) => signals.includes(signal)))
    .reduce<RiskVerdict | undefined>((strictest, rule) => stricter(strictest, verdictOf(rule)), undefined);
}

function verdictOf(rule: RiskRule): RiskVerdict {
  return rule.action === 'shorten'
    ? { action: rule.action, lifetimeMs: rule.lifetimeMs }
    : { action: rule.action };
}

function stricter(one: RiskVerdict | undefined, other: RiskVerdict): RiskVerdict {
  if (one === undefined) return other;
  if (one.action === 'shorten' && other.action === 'shorten') {
    return one.lifetimeMs <= other.lifetimeMs ? one : other;
  }
  return RISK_ACTIONS.indexOf(one.action) >= RISK_ACTIONS.indexOf(other.action) ? one : other;
}

import { type Command, InvalidArgumentError, Option } from 'commander';
import { DeviceLimitAction, type DevicePolicy, DevicePolicyKind } from '../client/index.ts';
import { UsageError } from './terminal.ts';

/** The options of `addDevicePolicyOptions`. */
export interface DevicePolicyOptions {
  readonly devicePolicy?: PolicyName | 'default';
  readonly maxSessions?: number;
  readonly atLimit?: ActionName;
}

/** The names of the policies that a user may have. */
export const POLICIES = {
  unlimited: DevicePolicyKind.UNLIMITED,
  limit: DevicePolicyKind.LIMIT,
  'one-per-platform': DevicePolicyKind.ONE_PER_PLATFORM,
  one: DevicePolicyKind.ONE,
} as const;
type PolicyName = keyof typeof POLICIES;

/** What a sign-in at the limit does. */
export const ACTIONS = { replace: DeviceLimitAction.REPLACE, refuse: DeviceLimitAction.REFUSE } as const;
type ActionName = keyof typeof ACTIONS;

export function addDevicePolicyOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--device-policy <policy>',
        'how many sessions the user may have; default: as configured',
      ).choices([...Object.keys(POLICIES), 'default']),
    )
    .addOption(
      new Option('--max-sessions <number>', 'with --device-policy limit: 1 to 1000').argParser(wholeNumber),
    )
    .addOption(
      new Option(
        '--at-limit <action>',
        'with --device-policy: what a sign-in at the limit does; replace unless given',
      ).choices(Object.keys(ACTIONS)),
    );
}

/**
 * The new policy; `none` to remove it. Undefined: no policy was given. Throws a UsageError if options are missing or
 * contradict each other.
 */
export function devicePolicyOf(options: DevicePolicyOptions): DevicePolicy | 'none' | undefined {
  const { devicePolicy: name, maxSessions, atLimit } = options;
  if (name === undefined) {
    if (maxSessions === undefined && atLimit === undefined) return undefined;
    throw new UsageError('--max-sessions and --at-limit need --device-policy.');
  }
  if ((maxSessions !== undefined) !== (name === 'limit')) {
    throw new UsageError('--device-policy limit needs --max-sessions, and no other policy takes it.');
  }
  if (atLimit !== undefined && (name === 'default' || name === 'unlimited')) {
    throw new UsageError(`--device-policy ${name} has no limit, so it does not take --at-limit.`);
  }
  if (name === 'default') return 'none';
  const limitAction = name === 'unlimited' ? DeviceLimitAction.UNSPECIFIED : ACTIONS[atLimit ?? 'replace'];
  return { kind: POLICIES[name], maxSessions: maxSessions ?? 0, limitAction };
}

function wholeNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

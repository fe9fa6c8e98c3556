import type { FieldIssues } from '../../core/field-issues.ts';
import {
  checkDevicePolicy,
  type DevicePolicy as DomainDevicePolicy,
  type LimitAction,
} from '../../core/user/device-policy.ts';
import { DeviceLimitAction, type DevicePolicy, DevicePolicyKind } from '../../gen/latchkey/admin/v1/user.ts';

const KINDS = {
  unlimited: DevicePolicyKind.UNLIMITED,
  limit: DevicePolicyKind.LIMIT,
  'one-per-platform': DevicePolicyKind.ONE_PER_PLATFORM,
  one: DevicePolicyKind.ONE,
} as const;

const ACTIONS = { replace: DeviceLimitAction.REPLACE, refuse: DeviceLimitAction.REFUSE } as const;

export function devicePolicyMessage(policy: DomainDevicePolicy | undefined): DevicePolicy | undefined {
  if (policy === undefined) return undefined;
  return {
    kind: KINDS[policy.kind],
    maxSessions: policy.kind === 'limit' ? policy.maxSessions : 0,
    limitAction: policy.kind === 'unlimited' ? DeviceLimitAction.UNSPECIFIED : ACTIONS[policy.atLimit],
  };
}

/** Undefined if the kind is unknown, or if a required action is unknown or missing. */
export function devicePolicyOf({
  kind,
  maxSessions,
  limitAction,
}: DevicePolicy): DomainDevicePolicy | undefined {
  if (kind === DevicePolicyKind.UNLIMITED) return { kind: 'unlimited' };
  const atLimit = actionOf(limitAction);
  if (atLimit === undefined) return undefined;
  switch (kind) {
    case DevicePolicyKind.LIMIT:
      return { kind: 'limit', maxSessions, atLimit };
    case DevicePolicyKind.ONE_PER_PLATFORM:
      return { kind: 'one-per-platform', atLimit };
    case DevicePolicyKind.ONE:
      return { kind: 'one', atLimit };
    default:
      return undefined;
  }
}

/** An unset policy is valid: it removes the user's own. */
export function checkDevicePolicyMessage(message: DevicePolicy | undefined, issues: FieldIssues): void {
  if (message === undefined) return;
  const { kind, maxSessions, limitAction } = message;
  const isUnlimited = kind === DevicePolicyKind.UNLIMITED;
  if (!Object.values<DevicePolicyKind>(KINDS).includes(kind)) {
    issues.add('device_policy.kind', 'must be UNLIMITED, LIMIT, ONE_PER_PLATFORM or ONE');
  } else if (kind !== DevicePolicyKind.LIMIT && maxSessions !== 0) {
    issues.add('device_policy.max_sessions', 'must be 0 unless the kind is LIMIT');
  }
  if (isUnlimited && limitAction !== DeviceLimitAction.UNSPECIFIED) {
    issues.add('device_policy.limit_action', 'must not be set with UNLIMITED');
  } else if (!isUnlimited && actionOf(limitAction) === undefined) {
    issues.add('device_policy.limit_action', 'must be REPLACE or REFUSE');
  }
  const policy = devicePolicyOf(message);
  if (policy !== undefined) issues.rule(() => checkDevicePolicy(policy, 'device_policy'));
}

function actionOf(action: DeviceLimitAction): LimitAction | undefined {
  if (action === DeviceLimitAction.REPLACE) return 'replace';
  return action === DeviceLimitAction.REFUSE ? 'refuse' : undefined;
}

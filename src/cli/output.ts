import {
  type DevicePolicy,
  DevicePolicyKind,
  EndedBy,
  EndReason,
  type ListedSession,
  type SigningKey,
  SigningKeyState,
  type User,
} from '../client/index.ts';
import { ACTIONS, POLICIES } from './device-policy.ts';
import { print, type Terminal } from './terminal.ts';

type SessionEnd = NonNullable<ListedSession['ended']>;

/** The output of a command: the value for JSON, and one row per item for the table. */
export interface Output {
  readonly json: unknown;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Printed below the table. */
  readonly summary?: string;
}

export function write(terminal: Terminal, asJson: boolean, output: Output): void {
  print(terminal.stdout, asJson ? JSON.stringify(output.json, null, 2) : table(output));
  if (!asJson && output.summary !== undefined) print(terminal.stdout, output.summary);
}

/** @param one whether the JSON is a single user instead of a list. */
export function userOutput(users: readonly User[], one = false): Output {
  const readable = users.map((user) => ({ ...user, devicePolicy: policyText(user.devicePolicy) }));
  return {
    json: one ? readable[0] : readable,
    columns: ['ID', 'USERNAME', 'ROLES', 'STATE', 'DEVICE POLICY', 'CREATED'],
    rows: readable.map(({ userId, username, roles, disabledAt, devicePolicy, createdAt }) => [
      userId,
      username,
      roles.join(',') || '-',
      disabledAt === undefined ? 'enabled' : `disabled since ${instant(disabledAt)}`,
      devicePolicy,
      instant(createdAt),
    ]),
  };
}

export function keyOutput(keys: readonly SigningKey[], one = false): Output {
  const readable = keys.map((key) => ({ ...key, state: enumName(SigningKeyState, key.state) }));
  return {
    json: one ? readable[0] : readable,
    columns: ['KEY', 'ALGORITHM', 'STATE', 'SIGNS FROM', 'SIGNS UNTIL', 'PUBLISHED UNTIL', 'MASTER KEY'],
    rows: readable.map(({ keyId, algorithm, state, signsFrom, signsUntil, publishedUntil, masterKeyId }) => [
      keyId,
      algorithm,
      state,
      instant(signsFrom),
      instant(signsUntil),
      instant(publishedUntil),
      masterKeyId || '-',
    ]),
  };
}

/** @param showsEnded whether there are columns for ended sessions. */
export function sessionOutput(sessions: readonly ListedSession[], showsEnded = false): Output {
  return {
    json: sessions.map((session) => ({
      ...session,
      ended: session.ended && { ...session.ended, ...endNames(session.ended) },
    })),
    columns: [
      'SESSION',
      'DEVICE',
      'PLATFORM',
      'CLIENT',
      'ADDRESS',
      'SIGNED IN',
      'LAST SEEN',
      'ENDS',
      'LABELS',
      ...(showsEnded ? ['ENDED', 'REASON', 'BY'] : []),
    ],
    rows: sessions.map((session) => [
      session.sessionId,
      device(session),
      session.device?.platform || '-',
      session.clientId || '-',
      addresses(session),
      instant(session.createdAt),
      instant(session.lastSeenAt),
      session.ended === undefined ? instant(earlier(session.idleDeadline, session.absoluteDeadline)) : '-',
      Object.entries(session.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(' ') || '-',
      ...(showsEnded ? endedCells(session) : []),
    ]),
  };
}

/** The name of the device, and whether it was new. */
function device({ device, isNewDevice }: ListedSession): string {
  return `${device?.name || '-'}${isNewDevice ? ' (new)' : ''}`;
}

/** For example `limit 3, refuse`. */
function policyText(policy: DevicePolicy | undefined): string {
  if (policy === undefined) return 'default';
  const { kind, maxSessions, limitAction } = policy;
  const number = kind === DevicePolicyKind.LIMIT ? ` ${maxSessions}` : '';
  const action = kind === DevicePolicyKind.UNLIMITED ? '' : `, ${enumName(ACTIONS, limitAction)}`;
  return `${enumName(POLICIES, kind)}${number}${action}`;
}

/** The address at sign-in, and the latest one if it is another. */
function addresses({ ipAddress, latestIpAddress }: ListedSession): string {
  const known = [...new Set([ipAddress, latestIpAddress])].filter((address) => address !== '');
  return known.join(' > ') || '-';
}

/** The end with the names of its enums, instead of numbers. */
export function endNames({ endReason, endedBy }: Pick<SessionEnd, 'endReason' | 'endedBy'>) {
  return { endReason: enumName(EndReason, endReason), endedBy: enumName(EndedBy, endedBy) };
}

/** An ended session without a time ended at a deadline that nobody noticed; `explain` tells more. */
function endedCells({ ended }: ListedSession): readonly string[] {
  if (ended === undefined) return ['-', '-', '-'];
  return [instant(ended.endedAt), enumName(EndReason, ended.endReason), endedByText(ended)];
}

/** The name of the operator who ended a session, or what kind of person it was. */
export function endedByText(ended: Pick<SessionEnd, 'endedBy' | 'operatorUsername'>): string {
  if (ended.operatorUsername !== '') return ended.operatorUsername;
  return ended.endedBy === EndedBy.UNSPECIFIED ? '-' : enumName(EndedBy, ended.endedBy).toLowerCase();
}

export function earlier(one: Date | undefined, other: Date | undefined): Date | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one < other ? one : other;
}

/** The name of an enum value. An unknown value, from a newer service, is shown as its number. */
export function enumName(names: Readonly<Record<string, number>>, value: number): string {
  return Object.entries(names).find(([, known]) => known === value)?.[0] ?? String(value);
}

/** RFC 3339 in UTC, to the second. */
export function instant(date: Date | undefined): string {
  return date === undefined ? '-' : date.toISOString().replace(/\.\d+Z$/, 'Z');
}

function table({ columns, rows }: Output): string {
  const lines = [columns, ...rows.map((row) => row.map(visible))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => (line[index] ?? '').length)));
  return lines
    .map((line) =>
      line
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Replaces control characters: a username from another user must not control the terminal. */
function visible(cell: string): string {
  return cell.replaceAll(/[\p{Cc}\p{Cf}]/gu, '\uFFFD');
}

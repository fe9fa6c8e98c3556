import { type SigningKey, SigningKeyState, type User } from '../client/index.ts';
import { print, type Terminal } from './terminal.ts';

/** What a command answers: as JSON the value itself, for people one row for each thing. */
export interface Output {
  readonly json: unknown;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function write(terminal: Terminal, asJson: boolean, output: Output): void {
  print(terminal.stdout, asJson ? JSON.stringify(output.json, null, 2) : table(output));
}

/** @param one whether the JSON is the user and not a list of users. */
export function userOutput(users: readonly User[], one = false): Output {
  return {
    json: one ? users[0] : users,
    columns: ['ID', 'USERNAME', 'ROLES', 'STATE', 'CREATED'],
    rows: users.map(({ userId, username, roles, disabledAt, createdAt }) => [
      userId,
      username,
      roles.join(',') || '-',
      disabledAt === undefined ? 'enabled' : `disabled since ${instant(disabledAt)}`,
      instant(createdAt),
    ]),
  };
}

export function keyOutput(keys: readonly SigningKey[], one = false): Output {
  const readable = keys.map((key) => ({ ...key, state: stateName(key.state) }));
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

/** One that a newer service sends and this command does not know is shown as its number. */
function stateName(state: SigningKey['state']): string {
  return Object.entries(SigningKeyState).find(([, value]) => value === state)?.[0] ?? String(state);
}

/** RFC 3339 in UTC, to the second. */
function instant(date: Date | undefined): string {
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

/** What somebody else chose, a username for one, shall not steer the terminal it is shown on. */
function visible(cell: string): string {
  return cell.replaceAll(/[\p{Cc}\p{Cf}]/gu, '\uFFFD');
}

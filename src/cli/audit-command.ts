import { isIP } from 'node:net';
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { AuditActorKind, type AuditEvent, AuditEventKind, type LatchkeyClient } from '../client/index.ts';
import { run } from './action.ts';
import { allPages } from './all-pages.ts';
import { enumName, instant, type Output } from './output.ts';
import type { Terminal } from './terminal.ts';
import { findUser } from './users.ts';

interface AuditOptions {
  readonly user?: string;
  readonly session?: string;
  readonly kind?: AuditEventKind;
  readonly ip?: string;
  readonly since?: Date;
  readonly until?: Date;
  readonly limit: number;
}

const PAGE_SIZE = 500;
const TIME_DETAIL = /_(?:deadline|until)$/;
const DEFAULT_LIMIT = 100;
const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const KIND_NAMES = Object.keys(AuditEventKind).filter((name) => name !== 'UNSPECIFIED');

export function addAuditCommand(program: Command, terminal: Terminal): void {
  program
    .command('audit')
    .description('show the audit trail, newest first: sign-ins, failures, ends, changes of users')
    .option('--user <user>', 'of this user: username or id')
    .option('--session <id>', 'of this session')
    .addOption(new Option('--kind <kind>', kindHelp()).argParser(kindOf))
    .addOption(new Option('--ip <address>', 'from this IP address').argParser(addressOf))
    .addOption(
      new Option('--since <time>', 'at or after: 15m, 12h, 7d, or an RFC 3339 time').argParser(timeOf),
    )
    .addOption(new Option('--until <time>', 'before').argParser(timeOf))
    .addOption(
      new Option('--limit <number>', 'at most so many events').argParser(limitOf).default(DEFAULT_LIMIT),
    )
    .action((options: AuditOptions, command: Command) =>
      run(command, terminal, async (client, signal) => auditOutput(await events(client, options, signal))),
    );
}

/** Reads page after page until the limit is reached or all events are read. */
async function events(
  client: LatchkeyClient,
  options: AuditOptions,
  signal: AbortSignal,
): Promise<readonly AuditEvent[]> {
  const { user, session = '', kind = AuditEventKind.UNSPECIFIED, ip = '', since, until, limit } = options;
  const userId = user === undefined ? '' : (await findUser(client, user, signal)).userId;
  const filter = { userId, sessionId: session.toLowerCase(), kind, ipAddress: ip, from: since, until };
  return allPages(
    (pageToken, room) => {
      const pageSize = Math.min(PAGE_SIZE, room);
      return client.audit.listAuditEvents({ ...filter, pageSize, pageToken }, { signal });
    },
    (page) => page.events,
    limit,
  );
}

function auditOutput(all: readonly AuditEvent[]): Output {
  return {
    json: all.map((event) => ({
      ...event,
      kind: enumName(AuditEventKind, event.kind),
      actor: event.actor && { ...event.actor, kind: enumName(AuditActorKind, event.actor.kind) },
    })),
    columns: ['TIME', 'EVENT', 'TIMES', 'USER', 'SESSION', 'ADDRESS', 'REASON', 'BY'],
    rows: all.map((event) => [
      instant(event.at),
      enumName(AuditEventKind, event.kind),
      String(event.count),
      event.username || event.userId || '-',
      event.sessionId || '-',
      event.ipAddress || '-',
      event.reason || detailsText(event) || '-',
      actorText(event),
    ]),
  };
}

/** Times and the device mark are left out; `--json` has them. */
function detailsText({ details }: AuditEvent): string {
  const shown = Object.entries(details).filter(([name]) => !TIME_DETAIL.test(name) && name !== 'device_mark');
  return shown.map(([, value]) => value).join(' ');
}

/** The name of the responsible person, or what kind of actor it was. */
function actorText({ actor }: AuditEvent): string {
  if (actor === undefined) return '-';
  return actor.username || actor.userId || enumName(AuditActorKind, actor.kind).toLowerCase();
}

function kindHelp(): string {
  return `of this kind: ${KIND_NAMES.join(', ').toLowerCase().replaceAll('_', '-')}`;
}

function kindOf(text: string): AuditEventKind {
  const name = text.toUpperCase().replaceAll('-', '_');
  if (!KIND_NAMES.includes(name)) throw new InvalidArgumentError('See --help for the kinds.');
  return AuditEventKind[name as keyof typeof AuditEventKind];
}

function addressOf(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError('It must be an IPv4 or IPv6 address without a port.');
  return text;
}

function timeOf(text: string): Date {
  const [, digits, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ago = Number(digits) * (UNITS_MS[unit] ?? Number.NaN);
  const time = digits === undefined ? new Date(text) : new Date(Date.now() - ago);
  if (Number.isNaN(time.getTime())) {
    throw new InvalidArgumentError('It must be like 15m, 12h or 7d, or a time like 2026-01-31T12:00:00Z.');
  }
  return time;
}

function limitOf(text: string): number {
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit < 1) throw new InvalidArgumentError('It must be 1 to 999999.');
  return limit;
}

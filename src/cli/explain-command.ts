import type { Command } from 'commander';
import {
  EndEvidence,
  EndReason,
  type SessionExplanation,
  type SessionTimelineEntry,
  SessionTimelineKind,
} from '../client/index.ts';
import { run, sent } from './action.ts';
import { earlier, endedByText, endNames, enumName, instant, type Output } from './output.ts';
import type { Terminal } from './terminal.ts';

/** Why a session ended, in words. */
const WORDS: Readonly<Record<string, string>> = {
  UNSPECIFIED: 'the reason is not known',
  LOGGED_OUT: 'the user signed out',
  REPLACED: 'a later sign-in replaced it',
  ENDED_BY_USER: 'the user ended it',
  ENDED_BY_ADMIN: 'an operator ended it',
  REFRESH_TOKEN_REUSED: 'an old refresh token was used again, so it was copied',
  PASSWORD_CHANGED: 'the password was changed',
  USER_DISABLED: 'the user was disabled',
  USER_DELETED: 'the user was deleted',
  IDLE: 'it was not refreshed before its idle deadline',
  MAX_LIFETIME: 'its absolute deadline passed',
  RISK: 'it was assessed as a risk',
};

export function addExplainCommand(program: Command, terminal: Terminal): void {
  program
    .command('explain')
    .description('show what happened to a session as a timeline, and why it ended')
    .argument('<session>', 'id of the session')
    .action((sessionId: string, _options: unknown, command: Command) =>
      run(command, terminal, async (client, signal) => {
        const request = { sessionId: sessionId.toLowerCase() };
        const { explanation } = await client.userSessions.explainSession(request, { signal });
        return timeline(sent(explanation));
      }),
    );
}

function timeline(explanation: SessionExplanation): Output {
  const { session, entries, endEvidence } = explanation;
  const ended = session?.ended;
  return {
    json: {
      ...explanation,
      session: session && { ...session, ended: ended && { ...ended, ...endNames(ended) } },
      entries: entries.map((entry) => ({
        ...entry,
        ...endNames(entry),
        kind: enumName(SessionTimelineKind, entry.kind),
      })),
      endEvidence: enumName(EndEvidence, endEvidence),
    },
    columns: ['TIME', 'EVENT', 'TIMES', 'ADDRESS', 'CLIENT', 'REASON', 'BY'],
    rows: entries.map((entry) => [
      instant(entry.at),
      enumName(SessionTimelineKind, entry.kind),
      String(entry.count),
      [entry.previousIpAddress, entry.ipAddress].filter((address) => address !== '').join(' > ') || '-',
      entry.clientId || '-',
      reasonOf(entry),
      entry.kind === SessionTimelineKind.ENDED ? endedByText(entry) : '-',
    ]),
    summary: [
      ...(explanation.omitsEntries
        ? ['Entries after the sign-in were left out; `audit --session` has all.']
        : []),
      summaryOf(explanation),
    ].join('\n'),
  };
}

function reasonOf({ kind, endReason, reason, details }: SessionTimelineEntry): string {
  if (kind === SessionTimelineKind.ENDED) return enumName(EndReason, endReason);
  return [reason, ...Object.values(details)].filter(Boolean).join(' ') || '-';
}

/** Why the session ended, or until when it lives, in one sentence. */
function summaryOf(explanation: SessionExplanation): string {
  const { session, endEvidence, endedNotBefore, endedNotAfter } = explanation;
  const ended = session?.ended;
  if (ended === undefined) {
    const { idleDeadline, absoluteDeadline } = sent(session);
    const next = instant(earlier(idleDeadline, absoluteDeadline));
    return `Living until ${next}, with refreshes until ${instant(absoluteDeadline)} at the latest.`;
  }
  const reason = enumName(EndReason, ended.endReason);
  const when = ended.endedAt
    ? `at ${instant(ended.endedAt)}`
    : `between ${instant(endedNotBefore)} and ${instant(endedNotAfter)}`;
  if (endEvidence === EndEvidence.LOST) {
    return `Ended ${when}: it has no record any more. Its idle deadline passed, or the session store lost it.`;
  }
  if (endEvidence === EndEvidence.DEADLINE && ended.endReason === EndReason.UNSPECIFIED) {
    return `Ended ${when}, at its idle or its absolute deadline (IDLE or MAX_LIFETIME).`;
  }
  const by = ended.operatorUsername === '' ? '' : `, by ${ended.operatorUsername}`;
  return `Ended ${when}: ${WORDS[reason] ?? reason} (${reason}${by}).`;
}

import type { Protection } from './connection.ts';

/** What can be done where the transport says why there is no connection. */
const HINTS: readonly {
  readonly said: RegExp;
  readonly under: 'plaintext' | 'tls';
  readonly hint: string;
}[] = [
  {
    said: /^Failed to connect$/,
    under: 'plaintext',
    hint: 'the connection was opened and broken off; if the service wants TLS, give --ca',
  },
  {
    said: /certificate required/i,
    under: 'tls',
    hint: 'the service wants a certificate of yours: give --cert and --key',
  },
  {
    said: /wrong version number/i,
    under: 'tls',
    hint: 'the service does not speak TLS: --plaintext, if nobody can listen on the way',
  },
  {
    said: /self-signed certificate|unable to (?:verify|get)/i,
    under: 'tls',
    hint: 'its certificate is from no authority that is known here: give --ca',
  },
];

/**
 * Why nobody answered, and what to do about it where that can be told.
 *
 * @param message of the transport, with what it and OpenSSL put around the reason.
 */
export function explainSilence(message: string, protection: Protection): readonly string[] {
  const reason = reasonIn(message);
  const given = protection === 'plaintext' ? 'plaintext' : 'tls';
  return [
    reason,
    ...HINTS.filter(({ said, under }) => under === given && said.test(reason)).map(({ hint }) => hint),
  ];
}

function reasonIn(message: string): string {
  const reason = message
    .replace(/\s*Resolution note:\s*$/, '')
    .replace(/^No connection established\. Last error: /, '')
    .replace(/\s*\(\d{4}-\d\d-\d\dT[\d:.]+Z\)/, '')
    // `<thread>:error:<code>:<library>:<function>:<reason>:<file>:<line>:<more>`, on a line of its own.
    .replace(/[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]*):[^\n]*\n?/, '$1')
    .replace(/^(?:Error: )+/, '')
    .replace(/\.?\s*$/, '');
  return reason === '' ? message.trim() : reason;
}

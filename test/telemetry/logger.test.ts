import { describe, expect, test } from '@jest/globals';
import { createLogger, type LogLevel } from '../../src/telemetry/logger.ts';

/** A logger, and its lines. */
function recorded(level: LogLevel = 'debug') {
  const lines: string[] = [];
  const logger = createLogger(level, { write: (line) => lines.push(line) });
  return { logger, lines, entries: () => lines.map((line): unknown => JSON.parse(line)) };
}

describe('the log', () => {
  test('is one JSON object per line, with level and time as text', () => {
    const { logger, lines, entries } = recorded();
    logger.info({ address: '127.0.0.1:50051', port: 50051, tls: false }, 'serving');
    expect(lines[0]).toMatch(/^\{.*\}\n$/);
    expect(entries()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        address: '127.0.0.1:50051',
        port: 50051,
        tls: false,
        msg: 'serving',
      },
    ]);
  });

  test('omits lines below its level', () => {
    const { logger, lines } = recorded('warn');
    logger.info({}, 'quiet');
    logger.warn({}, 'logged');
    expect(lines).toHaveLength(1);
  });

  test('omits the arguments of an unknown command that Redis repeats', () => {
    const { logger, lines } = recorded();
    const fault = new Error(
      "ERR unknown command 'auth', with args beginning with: 'default' 'hidden-value' ",
    );
    logger.warn({ err: fault, reason: fault.message }, 'no connection to Redis');
    logger.warn({ err: new Error('failed', { cause: fault }) }, 'again');
    expect(lines.join()).toContain('unknown command');
    expect(lines.join()).not.toContain('hidden-value');
  });

  test('omits objects, whatever they contain', () => {
    const { logger, lines } = recorded();
    logger.info(
      { request: { password: 'hidden-value' }, list: ['hidden-value'], bytes: Buffer.from('hidden-value') },
      'a call',
    );
    expect(lines[0]).not.toContain('hidden-value');
    expect(lines[0]).toContain('omitted');
  });

  test.each(['password', 'refreshToken', 'Authorization', 'client_secret', 'masterKey', 'set-cookie'])(
    'never shows a field called %s',
    (name) => {
      const { logger, lines } = recorded();
      logger.info({ [name]: 'hidden-value' }, 'a call');
      expect(lines[0]).not.toContain('hidden-value');
    },
  );
});

describe('a logged error', () => {
  test('shows its name, message, code, reason, stack and causes', () => {
    const { logger, entries } = recorded();
    const cause = Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });
    const err = Object.assign(new TypeError('no answer', { cause }), { reason: 'STORE_UNAVAILABLE' });
    logger.error({ err }, 'failed');
    expect(entries()).toEqual([
      expect.objectContaining({
        err: {
          type: 'TypeError',
          message: 'no answer',
          reason: 'STORE_UNAVAILABLE',
          stack: expect.stringContaining('logger.test.ts'),
          cause: expect.objectContaining({ message: 'connection refused', code: 'ECONNREFUSED' }),
        },
      }),
    ]);
  });

  test('does not show the command that a driver attaches to it', () => {
    const { logger, lines } = recorded();
    const err = Object.assign(new Error('READONLY'), {
      command: { name: 'set', args: ['hidden-value'] },
      parameters: ['hidden-value'],
    });
    logger.error({ err: new Error('store', { cause: err }) }, 'failed');
    expect(lines[0]).toContain('READONLY');
    expect(lines[0]).not.toContain('hidden-value');
  });

  test('may be any thrown value', () => {
    const { logger, entries } = recorded();
    for (const err of ['text', undefined, 7, null, { message: 3 }]) logger.error({ err }, 'failed');
    expect(entries()).toHaveLength(5);
  });

  test('that is its own cause is logged once', () => {
    const { logger, entries } = recorded();
    const err = new Error('round and round');
    err.cause = err;
    logger.error({ err }, 'failed');
    expect(entries()).toHaveLength(1);
  });
});

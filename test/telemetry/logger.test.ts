import { describe, expect, test } from '@jest/globals';
import { createLogger, type LogLevel } from '../../src/telemetry/logger.ts';

/** A logger, and what it wrote. */
function recorded(level: LogLevel = 'debug') {
  const lines: string[] = [];
  const logger = createLogger(level, { write: (line) => lines.push(line) });
  return { logger, lines, entries: () => lines.map((line): unknown => JSON.parse(line)) };
}

describe('the log', () => {
  test('is one JSON object a line, with level and time in words', () => {
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

  test('leaves out what is below its level', () => {
    const { logger, lines } = recorded('warn');
    logger.info({}, 'quiet');
    logger.warn({}, 'heard');
    expect(lines).toHaveLength(1);
  });

  test('leaves out the arguments that Redis repeats of a command it does not know', () => {
    const { logger, lines } = recorded();
    const fault = new Error("ERR unknown command 'auth', with args beginning with: 'default' 'hush' ");
    logger.warn({ err: fault, reason: fault.message }, 'no connection to Redis');
    logger.warn({ err: new Error('failed', { cause: fault }) }, 'again');
    expect(lines.join()).toContain('unknown command');
    expect(lines.join()).not.toContain('hush');
  });

  test('leaves out objects, whatever they hold', () => {
    const { logger, lines } = recorded();
    logger.info({ request: { password: 'hush' }, list: ['hush'], bytes: Buffer.from('hush') }, 'a call');
    expect(lines[0]).not.toContain('hush');
    expect(lines[0]).toContain('omitted');
  });

  test.each(['password', 'refreshToken', 'Authorization', 'client_secret', 'masterKey', 'set-cookie'])(
    'never shows a field called %s',
    (name) => {
      const { logger, lines } = recorded();
      logger.info({ [name]: 'hush' }, 'a call');
      expect(lines[0]).not.toContain('hush');
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

  test('does not show the command that a driver hangs on it', () => {
    const { logger, lines } = recorded();
    const err = Object.assign(new Error('READONLY'), {
      command: { name: 'set', args: ['hush'] },
      parameters: ['hush'],
    });
    logger.error({ err: new Error('store', { cause: err }) }, 'failed');
    expect(lines[0]).toContain('READONLY');
    expect(lines[0]).not.toContain('hush');
  });

  test('may be anything that was thrown', () => {
    const { logger, entries } = recorded();
    for (const err of ['text', undefined, 7, null, { message: 3 }]) logger.error({ err }, 'failed');
    expect(entries()).toHaveLength(5);
  });

  test('that is its own cause ends', () => {
    const { logger, entries } = recorded();
    const err = new Error('round and round');
    err.cause = err;
    logger.error({ err }, 'failed');
    expect(entries()).toHaveLength(1);
  });
});

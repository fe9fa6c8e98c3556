import { PassThrough, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { runCommand } from '../../src/cli/program.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { eventually } from '../support/eventually.ts';
import { ADMIN, FakeLatchkey } from '../support/fake-latchkey.ts';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

/** A terminal with a user who answers each question in order. */
class Person implements Terminal {
  readonly env = {};
  readonly stdin = Object.assign(new PassThrough(), { isTTY: true });
  readonly #controller = new AbortController();
  readonly signal = this.#controller.signal;
  readonly #answers: string[];
  shown = '';

  constructor(...answers: string[]) {
    this.#answers = answers;
  }

  readonly stdout = new Writable({ write: (chunk, _encoding, done) => this.#show(chunk, done) });
  readonly stderr = new Writable({ write: (chunk, _encoding, done) => this.#show(chunk, done) });

  interrupt(): void {
    this.#controller.abort();
  }

  #show(chunk: Buffer, done: () => void): void {
    const text = chunk.toString();
    this.shown += text;
    if (text.endsWith(': ')) setImmediate(() => this.stdin.write(this.#answers.shift() ?? CTRL_D));
    done();
  }
}

let fake: FakeLatchkey;

beforeEach(async () => {
  fake = await FakeLatchkey.start();
});

afterEach(() => {
  fake.close();
});

function run(person: Person, ...args: string[]): Promise<number> {
  return runCommand([...args, '--address', fake.address], person);
}

describe('in a terminal', () => {
  test('passwords are prompted for, the new one twice, and none is shown', async () => {
    const person = new Person(`${ADMIN.password}\r`, 'new one 123\r', 'new one 123\r');
    expect(await run(person, 'users', 'create', 'mia')).toBe(0);
    expect(fake.calls[1]?.request).toMatchObject({ credential: { value: 'new one 123' } });
    expect(person.shown).toContain('New password: ');
    expect(person.shown).toContain('Password of admin: ');
    expect(person.shown).not.toContain('new one');
    expect(person.shown).not.toContain(ADMIN.password);
  });

  test('two different new passwords are refused before the service is called', async () => {
    const person = new Person(`${ADMIN.password}\r`, 'new one 123\r', 'new one 124\r');
    expect(await run(person, 'users', 'create', 'mia')).toBe(2);
    expect(person.shown).toContain('do not match');
    expect(fake.rpcs).toStrictEqual([]);
  });

  test.each([
    ['Ctrl-C', CTRL_C, 130, ''],
    ['Ctrl-D', CTRL_D, 2, 'latchkey: Nothing was entered.\n'],
  ])('%s at a prompt calls no service and has its own exit code', async (_name, key, code, output) => {
    const person = new Person(key);
    expect(await run(person, 'users', 'list')).toBe(code);
    expect(person.shown).toBe(`Password of admin: \n${output}`);
    expect(fake.rpcs).toStrictEqual([]);
  });

  test('deleting asks to type the username', async () => {
    fake.addUser('mia');
    expect(await run(new Person('mio\r'), 'users', 'delete', 'mia')).toBe(2);
    expect(fake.users.size).toBe(1);
    expect(await run(new Person('mia\r', `${ADMIN.password}\r`), 'users', 'delete', 'mia')).toBe(0);
    expect(fake.users.size).toBe(0);
  });

  test('an interrupted command cancels its call and still signs out', async () => {
    fake.silent.add('ListUsers');
    const person = new Person(`${ADMIN.password}\r`);
    const running = run(person, 'users', 'list');
    await eventually(() => fake.rpcs.includes('ListUsers'));
    person.interrupt();
    expect(await running).toBe(130);
    expect(fake.rpcs).toStrictEqual(['Login', 'ListUsers', 'Logout']);
  });
});

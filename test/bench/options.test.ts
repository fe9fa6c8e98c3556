import { describe, expect, test } from '@jest/globals';
import { parseOptions, SCENARIOS, USAGE } from '../../scripts/bench/options.ts';

describe('the options of the bench', () => {
  test('are empty by default: everything is measured in three rounds', () => {
    const options = {
      only: Object.keys(SCENARIOS),
      rounds: 3,
      seconds: 3,
      sessions: 1_000_000,
      strict: false,
      publish: false,
      help: false,
    };
    expect(parseOptions([])).toEqual(options);
  });

  test('include help, which names every option and the duration of a run', () => {
    expect(parseOptions(['--help']).help).toBe(true);
    const options = ['--only', '--rounds', '--seconds', '--sessions', '--strict', '--publish'];
    for (const named of [...options, ...Object.keys(SCENARIOS), 'minutes']) expect(USAGE).toContain(named);
  });

  test('select scenarios by name', () => {
    expect(parseOptions(['--only=refresh,login', '--rounds=4', '--seconds=2']).only).toEqual([
      'refresh',
      'login',
    ]);
  });

  test.each([
    ['--only=validate', '"validate" is none of'],
    ['--rounds=0', '--rounds: "0"'],
    ['--rounds=2.5', '--rounds: "2.5"'],
    ['--seconds=soon', '--seconds: "soon"'],
    ['--sessions=1999', '--sessions: "1999"'],
    ['--fast', '--fast'],
  ])('%s is refused with its name', (option, problem) => {
    expect(() => parseOptions([option])).toThrow(problem);
  });

  test('never publish a part of the scenarios, or too few rounds or sessions', () => {
    expect(() => parseOptions(['--publish', '--only=login'])).toThrow('needs a whole run');
    expect(() => parseOptions(['--publish', '--rounds=2'])).toThrow('needs a whole run');
    expect(() => parseOptions(['--publish', '--sessions=2000'])).toThrow('needs a whole run');
    expect(parseOptions(['--publish']).publish).toBe(true);
  });
});

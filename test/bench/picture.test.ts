import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Measurement, PeerFigures } from '../../scripts/bench/measurement.ts';
import { markdown, type Report } from '../../scripts/bench/report.ts';
import { draw } from '../../scripts/docs/benchmark-picture.ts';
import { withGeneratedPart } from '../../scripts/docs/generated-part.ts';

const figures: PeerFigures = { p50Us: [1], p99Us: [2], cpuUs: [3] };

function peer(what: string, perSecond: number, acceptedForMs?: readonly number[]): Measurement {
  return {
    what,
    unit: 'per second',
    measured: [perSecond],
    notes: [],
    peer: acceptedForMs === undefined ? figures : { ...figures, acceptedForMs },
    details: {},
  };
}

/** Widths of the bars, in the order in which they are drawn. */
function widths(svg: string | undefined): number[] {
  return [...(svg ?? '').matchAll(/<rect [^>]*width="(\d+)"/g)].map(([, width]) => Number(width));
}

describe('the benchmark picture', () => {
  test('draws a bar for each mode and value on a logarithmic scale: each step is a factor of ten', () => {
    const [most = 0, tenth = 0, hundredth = 0] = widths(
      draw([peer('a', 1_000_000, [1]), peer('b', 100_000, [1]), peer('c', 10_000, [1])]),
    );
    expect(most - tenth).toBeGreaterThan(50);
    expect(Math.abs(most - tenth - (tenth - hundredth))).toBeLessThanOrEqual(1);
  });

  test('shows the longest acceptance after a logout, and nothing if there was none', () => {
    const svg = draw([peer('a', 1_000, [0, 0.5, 0]), peer('b', 1_000, [0, 0]), peer('c', 1_000)]);
    const [, , , some = 0, none = 0, forGood = 0] = widths(svg);
    expect(none).toBe(0);
    expect(some).toBeGreaterThan(0);
    expect(forGood).toBeGreaterThan(some);
    for (const text of ['0.500 ms', '0 of 2', 'until the token expires']) expect(svg).toContain(text);
  });

  test('is readable in dark mode, and escapes markup', () => {
    const svg = draw([peer('a < b & c', 1_000, [1])]);
    expect(svg).toContain('prefers-color-scheme:dark');
    expect(svg).toContain('a &lt; b &amp; c');
  });

  test('has space for its longest labels, at 7 pixels per letter', () => {
    const longest = '@fastify/jwt and a GET of the session';
    const svg = draw([peer(longest, 1_000_000)]) ?? '';
    const width = Number(/width="(\d+)"/.exec(svg)?.[1]);
    const texts = [...svg.matchAll(/<text x="(\d+)" y="\d+"( text-anchor="end")?>([^<]*)</g)];
    expect(texts).toHaveLength(4);
    for (const [, x, atEnd, words = ''] of texts) {
      const room = atEnd === undefined ? width - Number(x) : Number(x);
      expect(words.length * 7).toBeLessThanOrEqual(room);
    }
  });

  test('is not drawn without modes to compare', () => {
    const { peer: _, ...other } = peer('a', 1);
    expect(draw([other])).toBeUndefined();
  });
});

describe('the published benchmark', () => {
  const root = path.resolve(import.meta.dirname, '../..');
  const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
  const published = JSON.parse(read('scripts/bench/published.json')) as Report;

  test('has its tables in docs/benchmarks.md', () => {
    const page = read('docs/benchmarks.md');
    expect(withGeneratedPart(page, 'bench', markdown(published))).toBe(page);
  });

  test('is not in the README, which links to the page', () => {
    const readme = read('README.md');
    expect(readme).toContain('](docs/benchmarks.md)');
    expect(readme).not.toContain('bench:begin');
  });

  test('includes the picture, if validation modes were compared', () => {
    const picture = 'docs/bench.svg';
    const found = existsSync(path.join(root, picture)) ? read(picture) : undefined;
    expect(found).toBe(draw(published.measurements));
  });
});

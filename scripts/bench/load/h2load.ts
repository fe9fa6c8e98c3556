import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** The summary that h2load prints after a fixed number of requests. */
export interface H2loadSummary {
  readonly requestsPerSecond: number;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly errored: number;
  readonly timeout: number;
  readonly status2xx: number;
  /** Payload of all received DATA frames, in bytes. */
  readonly dataBytes: number;
}

export interface H2loadRun {
  readonly port: number;
  readonly path: string;
  /** A file with one gRPC frame: the body of every request. */
  readonly frameFile: string;
  readonly requests: number;
  /**
   * Mean size of an answer's gRPC frame in bytes, as a real client received it. h2load counts refusals (status 200, no
   * message) and rejections (a short message) as successes. Only their length shows the difference.
   */
  readonly answerBytes: number;
}

/** Connections, and concurrent requests on each. The same for every server. */
export const LOAD = { connections: 4, inFlight: 32 } as const;

export interface HttpLoadRun {
  readonly port: number;
  readonly path: string;
  readonly cookie: string;
  readonly requests: number;
  /** Of each answer. */
  readonly bodyBytes: number;
}

/** Keep-alive connections of HTTP/1.1, each with one request at a time. */
const HTTP_CONNECTIONS = 32;

/** The size of a timestamp in an answer varies by a few bytes. */
const ANSWER_BYTES_TOLERANCE = 8;

/** Throws if h2load fails, or if an answer does not have `answerBytes` bytes. */
export async function runH2load(run: H2loadRun): Promise<H2loadSummary> {
  const args = [
    ['-c', String(LOAD.connections), '-m', String(LOAD.inFlight), '-t', '1', '-n', String(run.requests)],
    ['-d', run.frameFile, '-H', 'content-type: application/grpc', '-H', 'te: trailers'],
    `http://127.0.0.1:${run.port}${run.path}`,
  ].flat();
  return await summaryOf(args, run);
}

/** The same over HTTP/1.1, with GET and a cookie. */
export async function runHttpLoad(run: HttpLoadRun): Promise<H2loadSummary> {
  const args = [
    ['--h1', '-c', String(HTTP_CONNECTIONS), '-t', '1', '-n', String(run.requests)],
    ['-H', `cookie: ${run.cookie}`, `http://127.0.0.1:${run.port}${run.path}`],
  ].flat();
  return await summaryOf(args, { ...run, answerBytes: run.bodyBytes });
}

async function summaryOf(
  args: readonly string[],
  run: Pick<H2loadRun, 'path' | 'requests' | 'answerBytes'>,
): Promise<H2loadSummary> {
  const child = spawn('h2load', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (child.exitCode !== 0) throw new Error(`h2load ended with ${child.exitCode ?? child.signalCode}`);
  const summary = parseH2load(output);
  const fault = faultIn(summary, run);
  if (fault !== undefined) throw new Error(`${run.path}: ${fault}`);
  return summary;
}

/** Why the summary is not one of a successful `run`; undefined: it is. */
export function faultIn(
  summary: H2loadSummary,
  run: Pick<H2loadRun, 'requests' | 'answerBytes'>,
): string | undefined {
  const { total, succeeded, status2xx, failed, errored, timeout } = summary;
  if ([total, succeeded, status2xx].some((count) => count !== run.requests)) {
    return `of ${run.requests} requests ${succeeded} succeeded, ${failed} failed, ${errored} erred, ${timeout} timed out`;
  }
  const mean = summary.dataBytes / run.requests;
  if (Math.abs(mean - run.answerBytes) > ANSWER_BYTES_TOLERANCE) {
    return `answers had ${mean.toFixed(1)} bytes on average, the right one has ${run.answerBytes}`;
  }
  return undefined;
}

/** Throws if the output is not that of a completed h2load run. */
export function parseH2load(output: string): H2loadSummary {
  const number = (pattern: RegExp): number => {
    const found = pattern.exec(output)?.[1];
    if (found === undefined) throw new Error(`h2load's output has no ${pattern.source}:\n${output}`);
    return Number(found);
  };
  return {
    requestsPerSecond: number(/^finished in .*?, ([\d.]+) req\/s/m),
    total: number(/^requests: (\d+) total/m),
    succeeded: number(/^requests: .*?(\d+) succeeded/m),
    failed: number(/^requests: .*?(\d+) failed/m),
    errored: number(/^requests: .*?(\d+) errored/m),
    timeout: number(/^requests: .*?(\d+) timeout/m),
    status2xx: number(/^status codes: (\d+) 2xx/m),
    dataBytes: number(/^traffic: .*\((\d+)\) data/m),
  };
}

import { connect } from '../../../src/client/index.ts';
import {
  BatchValidateRequest,
  BatchValidateResponse,
  IdentityServiceService,
} from '../../../src/gen/latchkey/v1/identity.ts';
import { grpcFrame } from '../../http2/frames.ts';
import { validateFrame } from '../../http2/validate.ts';
import type { FloodResult } from '../load/flood.ts';
import { LOAD } from '../load/h2load.ts';
import { peakMemory } from '../machine.ts';
import { type Measurement, thousands } from '../measurement.ts';
import { startModule } from '../processes.ts';
import { Sessions } from '../servers/sessions.ts';
import { type Stand, validate, withStand, writeFrame } from '../servers/stand.ts';
import { alternate, answersPerSecond, compareUnderH2load, type Scale, type Target } from './rounds.ts';

const BATCH = 64;
/** Approximate number of new tokens per second that a service validates. A faster one has a shorter round. */
const NEW_TOKENS_PER_SECOND = 8_000;
const WARM_UP_TOKENS = 5_000;
const SESSIONS = 64;

/** Validate of one token, repeated, and the server's peak memory. */
export async function validateWarm(scale: Scale): Promise<readonly Measurement[]> {
  return await withStand(async (stand) => {
    const [accessToken = ''] = (await Sessions.open(stand, 1)).accessTokens;
    const echo = await echoTarget(stand, accessToken);
    const { port, pid } = stand.latchkey;
    const results = await compareUnderH2load(scale, { ...echo, port }, echo);
    await validate(port, accessToken);
    const rates: Measurement = {
      what: 'Validate, token seen before',
      unit: 'per second',
      measured: results.latchkey.map((run) => run.requestsPerSecond),
      reference: { name: 'echo', values: results.echo.map((run) => run.requestsPerSecond) },
      bar: { kind: 'ratio at least', value: 0.9 },
      notes: [
        `h2load, ${LOAD.connections} connections with ${LOAD.inFlight} calls in flight each. The echo is a grpc-js server ` +
          'with the same messages and an empty handler; it answers what the service answers.',
      ],
      details: results,
    };
    const memory: Measurement = {
      what: 'Memory of a server under this load',
      unit: 'MB',
      measured: [peakMemory(pid)],
      bar: { kind: 'at most', value: 250 },
      notes: ['the largest resident set of the process.'],
      details: {},
    };
    return [rates, memory];
  });
}

/** BatchValidate of cached tokens, counted in tokens, against the echo of Validate, counted in calls. */
export async function batchValidate(scale: Scale): Promise<Measurement> {
  return await withStand(async (stand) => {
    const { accessTokens } = await Sessions.open(stand, BATCH);
    const echo = await echoTarget(stand, accessTokens[0] ?? '');
    const { port } = stand.latchkey;
    const request = {
      accessTokens: [...accessTokens],
      consistency: 0,
      audience: '',
      atLeastRevision: '',
    } as const;
    const latchkey = {
      port,
      path: IdentityServiceService.batchValidate.path,
      frameFile: writeFrame(stand, 'batch', grpcFrame(BatchValidateRequest.encode(request).finish())),
      answerBytes: await batchAnswerBytes(port, accessTokens),
    };
    const results = await compareUnderH2load(scale, latchkey, echo);
    await batchAnswerBytes(port, accessTokens);
    return {
      what: `BatchValidate of ${BATCH}, in tokens`,
      unit: 'per second',
      measured: results.latchkey.map((run) => run.requestsPerSecond * BATCH),
      reference: { name: 'echo', values: results.echo.map((run) => run.requestsPerSecond) },
      bar: { kind: 'ratio at least', value: 5 },
      notes: [`${BATCH} different tokens, all seen before; the echo answers one a call.`],
      details: results,
    };
  });
}

async function echoTarget(stand: Stand, accessToken: string): Promise<Target> {
  const { port, answerBytes } = await stand.echoOf(accessToken);
  const frameFile = writeFrame(stand, 'validate', validateFrame(accessToken));
  return { port, path: IdentityServiceService.validate.path, frameFile, answerBytes };
}

/** Size of the answer in its frame. Throws unless every token of the batch is accepted. */
async function batchAnswerBytes(port: number, accessTokens: readonly string[]): Promise<number> {
  const client = connect(`127.0.0.1:${port}`, { credentials: { kind: 'plaintext' }, mode: 'remote' });
  const answer = await client.identity.batchValidate({ accessTokens: [...accessTokens] });
  await client.close();
  const good = answer.verdicts.filter(({ verdict }) => verdict?.$case === 'identity').length;
  if (good !== BATCH) throw new Error(`of ${BATCH} good tokens ${good} were accepted`);
  return grpcFrame(BatchValidateResponse.encode(answer).finish()).length;
}

/** Validate of tokens that are not cached: each is sent once. */
export async function validateCold({ rounds, seconds }: Scale): Promise<Measurement> {
  return await withStand(async (stand) => {
    const sessions = await Sessions.open(stand, SESSIONS);
    const echo = await stand.echoOf(sessions.accessTokens[0] ?? '');
    const tokens = NEW_TOKENS_PER_SECOND * seconds;
    const tokenFiles: string[] = [];
    const flood = async (port: number, round: number): Promise<FloodResult> => {
      await using load = startModule<typeof import('../load/flood.ts')>('load/flood.ts');
      const tokenFile = tokenFiles[round] ?? '';
      return await load.call('flood', { port, tokenFile, warmUp: WARM_UP_TOKENS });
    };
    const results = await alternate(rounds, {
      latchkey: async (round) => {
        tokenFiles.push(await sessions.makeTokens(`tokens-${round}`, tokens + WARM_UP_TOKENS));
        return await flood(stand.latchkey.port, round);
      },
      echo: (round) => flood(echo.port, round),
    });
    return {
      what: 'Validate, every token new',
      unit: 'per second',
      measured: results.latchkey.map(answersPerSecond),
      reference: { name: 'echo', values: results.echo.map(answersPerSecond) },
      bar: { kind: 'ratio at least', value: 0.4 },
      notes: [
        `${thousands(tokens)} different tokens a round, each sent once to the service and once to the echo; ` +
          'the cache of verified tokens has its default size. h2load can send only one body: a bare HTTP/2 client sends ' +
          'the tokens and checks every verdict.',
      ],
      details: results,
    };
  });
}

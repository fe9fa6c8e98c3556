import {
  BatchValidateRequest,
  BatchValidateResponse,
  IdentityServiceService,
} from '../../../src/gen/latchkey/v1/identity.ts';
import { runH2load } from '../h2load.ts';
import type { Measurement } from '../measurement.ts';
import { QUICK_COST, validateRequest, withStand } from '../servers/stand.ts';
import { grpcFrame } from '../wire/frames.ts';
import { alternate, requestsFor, type Scale } from './rounds.ts';

const BATCH = 64;

/** BatchValidate of tokens seen before, counted in tokens, against Validate's echo, counted in calls. */
export async function batchValidate({ rounds, seconds }: Scale): Promise<Measurement> {
  return await withStand({ LATCHKEY_BCRYPT_COST: String(QUICK_COST) }, async (stand) => {
    const accessTokens = (await stand.people.openSessions(BATCH)).map((tokens) => tokens.accessToken);
    const first = accessTokens[0] ?? '';
    const echo = await stand.echoOf(first);
    const answer = await stand.people.validateAll(accessTokens);
    const request = { accessTokens, consistency: 0, audience: '', atLeastRevision: '' } as const;
    const latchkeyTarget = {
      port: stand.latchkey.port,
      serverPid: stand.latchkey.pid,
      path: IdentityServiceService.batchValidate.path,
      frameFile: stand.writeFrame(BatchValidateRequest.encode(request).finish()),
      answerBytes: grpcFrame(BatchValidateResponse.encode(answer).finish()).length,
    };
    const echoTarget = {
      port: echo.port,
      serverPid: echo.pid,
      path: IdentityServiceService.validate.path,
      frameFile: stand.writeFrame(validateRequest(first)),
      answerBytes: echo.answerBytes,
    };
    const requests = {
      latchkey: await requestsFor(latchkeyTarget, seconds),
      echo: await requestsFor(echoTarget, seconds),
    };

    const results = await alternate(rounds, {
      latchkey: () => runH2load({ ...latchkeyTarget, requests: requests.latchkey }),
      echo: () => runH2load({ ...echoTarget, requests: requests.echo }),
    });
    await stand.people.validateAll(accessTokens);

    return {
      what: `BatchValidate of ${BATCH}, in tokens`,
      unit: 'per second',
      measured: results.latchkey.map((run) => run.requestsPerSecond * BATCH),
      reference: { name: 'echo', values: results.echo.map((run) => run.requestsPerSecond) },
      bar: { kind: 'ratio at least', value: 3 },
      notes: [`${BATCH} different tokens, all seen before; the echo answers one a call.`],
      details: results,
    };
  });
}

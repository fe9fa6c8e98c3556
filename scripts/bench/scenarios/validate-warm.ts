import { IdentityServiceService } from '../../../src/gen/latchkey/v1/identity.ts';
import { LOAD, runH2load } from '../h2load.ts';
import type { Measurement } from '../measurement.ts';
import { QUICK_COST, validateRequest, withStand } from '../servers/stand.ts';
import { alternate, requestsFor, type Scale } from './rounds.ts';

/** Validate of one token, over and over: what a service pays that asks at every request. */
export async function validateWarm({ rounds, seconds }: Scale): Promise<Measurement> {
  return await withStand({ LATCHKEY_BCRYPT_COST: String(QUICK_COST) }, async (stand) => {
    const [tokens] = await stand.people.openSessions(1);
    if (tokens === undefined) throw new Error('no session was opened');
    const echo = await stand.echoOf(tokens.accessToken);
    const common = {
      path: IdentityServiceService.validate.path,
      frameFile: stand.writeFrame(validateRequest(tokens.accessToken)),
      answerBytes: echo.answerBytes,
    };
    const latchkeyTarget = { ...common, port: stand.latchkey.port, serverPid: stand.latchkey.pid };
    const echoTarget = { ...common, port: echo.port, serverPid: echo.pid };
    const requests = {
      latchkey: await requestsFor(latchkeyTarget, seconds),
      echo: await requestsFor(echoTarget, seconds),
    };

    const results = await alternate(rounds, {
      latchkey: () => runH2load({ ...latchkeyTarget, requests: requests.latchkey }),
      echo: () => runH2load({ ...echoTarget, requests: requests.echo }),
    });
    await stand.people.validate(tokens.accessToken);

    return {
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
  });
}

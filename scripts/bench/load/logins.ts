import {
  IdentityServiceService,
  LoginRequest,
  LoginResponse,
} from '../../../src/gen/latchkey/v1/identity.ts';
import { GrpcConnection } from '../../http2/connection.ts';
import { grpcFrame } from '../../http2/frames.ts';

export interface LoginJob {
  readonly port: number;
  readonly credentials: readonly { readonly username: string; readonly password: string }[];
  readonly inFlight: number;
}

let isFinishing = false;
let lastAnswered: Promise<readonly number[]> | undefined;

/** Keeps logins in progress until `finish`. Resolves at the first answer, when all of them have started. */
export async function start(job: LoginJob): Promise<void> {
  const frames = job.credentials.map(({ username, password }) =>
    grpcFrame(
      LoginRequest.encode({
        username,
        password,
        clientId: 'bench',
        device: undefined,
        origin: undefined,
        deviceToken: '',
        labels: {},
        endSessionId: '',
      }).finish(),
    ),
  );
  const connection = await GrpcConnection.open(job.port, IdentityServiceService.login.path);
  const first = Promise.withResolvers<void>();
  const answeredAtMs: number[] = [];
  let asked = 0;
  const lane = async (): Promise<void> => {
    while (!isFinishing) {
      const frame = frames[asked % frames.length];
      asked += 1;
      if (frame === undefined) throw new RangeError('there are no credentials');
      const { outcome } = LoginResponse.decode(await connection.ask(frame));
      if (outcome?.$case !== 'signedIn' || outcome.value.tokens === undefined)
        throw new Error('Login answered without tokens');
      answeredAtMs.push(performance.now());
      first.resolve();
    }
  };
  lastAnswered = Promise.all(Array.from({ length: job.inFlight }, lane)).then(() => answeredAtMs);
  await Promise.race([first.promise, lastAnswered]);
}

/** Waits for the last answers. Returns when each login was answered; milliseconds from an arbitrary start. */
export async function finish(): Promise<readonly number[]> {
  isFinishing = true;
  return (await lastAnswered) ?? [];
}

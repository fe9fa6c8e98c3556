import {
  IdentityServiceService,
  LoginRequest,
  LoginResponse,
} from '../../../src/gen/latchkey/v1/identity.ts';
import { GrpcConnection } from '../wire/connection.ts';
import { grpcFrame } from '../wire/frames.ts';
import type { LoginJob, LoginJobResult } from './job.ts';

/** Calls `started` when the first login was answered, so that all of them are known to be on their way. */
export async function keepLoggingIn(
  job: LoginJob,
  started: () => void,
  finish: AbortSignal,
): Promise<LoginJobResult> {
  const frames = job.credentials.map((credential) =>
    grpcFrame(
      LoginRequest.encode({
        ...credential,
        clientId: 'bench',
        device: undefined,
        origin: undefined,
      }).finish(),
    ),
  );
  const connection = await GrpcConnection.open(job.port, IdentityServiceService.login.path);
  const answeredAtMs: number[] = [];
  let asked = 0;

  const lane = async (): Promise<void> => {
    while (!finish.aborted) {
      const frame = frames[asked % frames.length];
      asked += 1;
      if (frame === undefined) throw new RangeError('nobody can log in');
      const { outcome } = LoginResponse.decode(await connection.ask(frame));
      if (outcome?.value.session === undefined) throw new Error('Login answered without a session');
      answeredAtMs.push(performance.now());
      if (answeredAtMs.length === 1) started();
    }
  };
  await Promise.all(Array.from({ length: job.inFlight }, lane));
  await connection.close();
  return { answeredAtMs };
}

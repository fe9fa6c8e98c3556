import type { LatchkeyClient } from '../../../src/client/index.ts';
import { connect } from '../../../src/client/index.ts';
import type { Arm, ArmSetup } from './arm.ts';

const CREDENTIALS = { kind: 'plaintext' } as const;

/** Judged in the caller's process, which listens for what ends. */
export async function latchkeyLocal(setup: ArmSetup): Promise<Arm> {
  return await validating(setup, 'local');
}

/** The service is asked each time; calls of one turn of the event loop travel together. */
export async function latchkeyRemote(setup: ArmSetup): Promise<Arm> {
  return await validating(setup, 'remote');
}

/** The same by hand: a Validate for each token, as any gRPC client makes it. */
export async function latchkeyRpc({ service }: ArmSetup): Promise<Arm> {
  if (service === undefined) throw new Error('there is no latchkey to ask');
  const client = connect(`127.0.0.1:${service.port}`, { credentials: CREDENTIALS, mode: 'remote' });
  await client.ready();
  const { validate } = client.identity;
  return {
    ...(await elsewhere(service.port, client)),
    credentials: service.credentials,
    validate: async (accessToken) => {
      const { verdict } = await validate({ accessToken, consistency: 0, audience: '', atLeastRevision: '' });
      return verdict?.$case === 'identity' ? verdict.value.userId : undefined;
    },
  };
}

async function validating({ service }: ArmSetup, mode: 'local' | 'remote'): Promise<Arm> {
  if (service === undefined) throw new Error('there is no latchkey to ask');
  const client = connect(`127.0.0.1:${service.port}`, { credentials: CREDENTIALS, mode });
  await client.ready();
  return {
    ...(await elsewhere(service.port, client)),
    credentials: service.credentials,
    validate: async (accessToken) => {
      const validation = await client.validate(accessToken);
      return validation.kind === 'accepted' ? validation.identity.userId : undefined;
    },
  };
}

/** Logs out over a connection of its own, as somebody else would: whoever validates is not the one who is told. */
async function elsewhere(
  port: number,
  client: LatchkeyClient,
): Promise<Required<Pick<Arm, 'logout' | 'close'>>> {
  const other = connect(`127.0.0.1:${port}`, { credentials: CREDENTIALS, mode: 'remote' });
  await other.ready();
  return {
    logout: async (accessToken) => {
      await other.logout({ accessToken });
    },
    close: async () => {
      await other.close();
      await client.close();
    },
  };
}

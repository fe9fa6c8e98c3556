import { connect, type LatchkeyClient } from '../../../src/client/index.ts';
import type { Arm, ArmSetup } from './caller.ts';

const CREDENTIALS = { kind: 'plaintext' } as const;

/** Validates in the caller's process, which follows the revocations. */
export async function latchkeyLocal(setup: ArmSetup): Promise<Arm> {
  return await armWith(setup, 'local', validateWith);
}

/** Calls the service for each token. Tokens that arrive during a call share the next one. */
export async function latchkeyRemote(setup: ArmSetup): Promise<Arm> {
  return await armWith(setup, 'remote', validateWith);
}

/** One Validate call per token, as any gRPC client makes it. */
export async function latchkeyRpc(setup: ArmSetup): Promise<Arm> {
  return await armWith(setup, 'remote', ({ identity: { validate } }) => async (accessToken) => {
    const { verdict } = await validate({ accessToken, consistency: 0, audience: '', atLeastRevision: '' });
    return verdict?.$case === 'identity' ? verdict.value.userId : undefined;
  });
}

function validateWith(client: LatchkeyClient): Arm['validate'] {
  return async (accessToken) => {
    const validation = await client.validate(accessToken);
    return validation.kind === 'accepted' ? validation.identity.userId : undefined;
  };
}

async function armWith(
  { latchkeyPort, tokens }: ArmSetup,
  mode: 'local' | 'remote',
  validateOf: (client: LatchkeyClient) => Arm['validate'],
): Promise<Arm> {
  const address = `127.0.0.1:${latchkeyPort}`;
  const client = connect(address, { credentials: CREDENTIALS, mode });
  // Logs out over a separate connection, as another process would.
  const other = connect(address, { credentials: CREDENTIALS, mode: 'remote' });
  await Promise.all([client.ready(), other.ready()]);
  return {
    credentials: tokens.map(({ accessToken, userId }) => ({ text: accessToken, userId })),
    validate: validateOf(client),
    logout: async (accessToken) => void (await other.logout({ accessToken })),
  };
}

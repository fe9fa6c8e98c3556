import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeProtectedHeader } from 'jose';
import { connect } from '../../src/client/index.ts';
import type { CallerAuth } from '../../src/grpc/interceptors/caller-auth.ts';
import { makeCertificate } from '../../test/grpc/support/certificates.ts';
import { LatchkeyProcess } from '../../test/support/latchkey-process.ts';
import type { Target } from './raw-calls.ts';

/** A service in its own process, to be attacked, with a user signed in. */
export interface AttackedService {
  readonly target: Target;
  /** An access token of an administrator. */
  readonly accessToken: string;
  /** The id of the key that signed it. */
  readonly keyId: string;
  stop(): Promise<void>;
}

const PASSWORD = 'correct horse battery';

/** Starts the service with its own data folder and sessions in memory. With `mtls` every caller has a certificate. */
export async function startAttackedService(callerAuth: CallerAuth): Promise<AttackedService> {
  const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-attacked-'));
  const tls = callerAuth === 'mtls' ? certificates(folder) : undefined;
  const service = await LatchkeyProcess.start({
    LATCHKEY_DATA_DIR: folder,
    LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
    LATCHKEY_CALLER_AUTH: callerAuth,
    LATCHKEY_BCRYPT_COST: '10',
    // With limits, the costly logins would be refused without a password check after 50 failures.
    LATCHKEY_LOGIN_LIMITS: 'off',
    LATCHKEY_DRAIN_DELAY: '0s',
    ...tls?.environment,
  });
  const stop = async () => {
    await service.stop();
    rmSync(folder, { recursive: true });
  };
  const address = `127.0.0.1:${service.address.split(':').at(-1)}`;
  const client = connect(address, { mode: 'remote', credentials: tls?.credentials ?? { kind: 'plaintext' } });
  try {
    const { tokens } = await client.login({ username: 'admin', password: PASSWORD });
    const target = {
      url: `${tls === undefined ? 'http' : 'https'}://${address}`,
      ...(tls && { tls: tls.client }),
    };
    const accessToken = tokens?.accessToken ?? '';
    return { target, accessToken, keyId: decodeProtectedHeader(accessToken).kid ?? '', stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    await client.close();
  }
}

function certificates(folder: string) {
  const authority = makeCertificate('Attack CA');
  const server = makeCertificate('localhost', authority);
  const caller = makeCertificate('caller', authority);
  const file = (name: string, content: string) => {
    const at = path.join(folder, name);
    writeFileSync(at, content);
    return at;
  };
  const ca = authority.certificate;
  const cert = caller.certificate;
  const key = caller.privateKey;
  return {
    environment: {
      LATCHKEY_TLS_CERT: file('tls.crt', server.certificate),
      LATCHKEY_TLS_KEY: file('tls.key', server.privateKey),
      LATCHKEY_TLS_CLIENT_CA: file('clients.crt', authority.certificate),
    },
    client: { ca, cert, key },
    credentials: {
      kind: 'mtls',
      ca: Buffer.from(ca),
      cert: Buffer.from(cert),
      key: Buffer.from(key),
    } as const,
  };
}

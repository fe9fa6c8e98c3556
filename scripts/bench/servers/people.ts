import { promisify } from 'node:util';
import { credentials, Metadata } from '@grpc/grpc-js';
import { UserServiceClient } from '../../../src/gen/latchkey/admin/v1/user.ts';
import {
  type BatchValidateResponse,
  IdentityServiceClient,
  type LoginRequest,
  type LoginResponse,
  type Tokens,
  type ValidateResponse,
} from '../../../src/gen/latchkey/v1/identity.ts';
import type { LatchkeyServer, Site } from './latchkey.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Users, so that no one of them comes near the limit of sessions a user may have. */
const USERS = 16;
/** As many logins as the queue of one bcrypt thread takes, with room to spare. */
const LOGINS_AT_ONCE = 16;

/** The users of a stand, and a grpc-js client that sees with its own eyes what the service answers. */
export class People {
  readonly credentials: readonly Credentials[];
  readonly #client: IdentityServiceClient;

  private constructor(client: IdentityServiceClient, people: readonly Credentials[]) {
    this.#client = client;
    this.credentials = people;
  }

  /** Waits for the service and has its administrator create the users. */
  static async gather({ port }: LatchkeyServer, { admin: administrator }: Site): Promise<People> {
    const address = `127.0.0.1:${port}`;
    const client = new IdentityServiceClient(address, credentials.createInsecure());
    const admin = new People(client, [administrator]);
    const tokens = await admin.#login(administrator);

    const users = new UserServiceClient(address, credentials.createInsecure());
    const caller = new Metadata();
    caller.set('authorization', `Bearer ${tokens.accessToken}`);
    const people: Credentials[] = [];
    for (let index = 0; index < USERS; index += 1) {
      const person = { username: `bench-${index}`, password: `a bench pass phrase, ${index}` };
      const credential = { $case: 'password', value: person.password } as const;
      await new Promise<void>((resolve, reject) => {
        users.createUser(
          { username: person.username, credential, roles: ['reader', 'writer'] },
          caller,
          (error) => (error === null ? resolve() : reject(error)),
        );
      });
      people.push(person);
    }
    users.close();
    return new People(client, people);
  }

  /** Opens sessions, of each user as many as of any other. */
  async openSessions(count: number): Promise<readonly Tokens[]> {
    const opened: Tokens[] = [];
    let asked = 0;
    const lane = async (): Promise<void> => {
      while (asked < count) {
        const person = this.credentials[asked % this.credentials.length];
        asked += 1;
        if (person === undefined) throw new RangeError('nobody can log in');
        opened.push(await this.#login(person));
      }
    };
    await Promise.all(Array.from({ length: LOGINS_AT_ONCE }, lane));
    return opened;
  }

  /** The users' ids, as tokens of theirs name them. Each signs in for it. */
  async userIds(): Promise<readonly string[]> {
    const sessions = await this.openSessions(this.credentials.length);
    const answers = await Promise.all(sessions.map(({ accessToken }) => this.validate(accessToken)));
    return answers.flatMap(({ verdict }) => (verdict?.$case === 'identity' ? [verdict.value.userId] : []));
  }

  /** The service's answer, which must be an identity. */
  async validate(accessToken: string): Promise<ValidateResponse> {
    const answer = await new Promise<ValidateResponse>((resolve, reject) => {
      const request = { accessToken, consistency: 0, audience: '', atLeastRevision: '' } as const;
      this.#client.validate(request, (error, response) =>
        error === null ? resolve(response) : reject(error),
      );
    });
    if (answer.verdict?.$case !== 'identity') {
      throw new Error(`a token that is good was answered with ${JSON.stringify(answer.verdict)}`);
    }
    return answer;
  }

  /** The service's answer, in which every verdict must be an identity. */
  async validateAll(accessTokens: readonly string[]): Promise<BatchValidateResponse> {
    const answer = await new Promise<BatchValidateResponse>((resolve, reject) => {
      const request = { accessTokens, consistency: 0, audience: '', atLeastRevision: '' } as const;
      this.#client.batchValidate(request, (error, response) =>
        error === null ? resolve(response) : reject(error),
      );
    });
    const good = answer.verdicts.filter(({ verdict }) => verdict?.$case === 'identity').length;
    if (good !== accessTokens.length) {
      throw new Error(`of ${accessTokens.length} good tokens ${good} were found good`);
    }
    return answer;
  }

  close(): void {
    this.#client.close();
  }

  async #login(person: Credentials): Promise<Tokens> {
    await promisify(this.#client.waitForReady.bind(this.#client))(Date.now() + 10_000);
    const { outcome } = await new Promise<LoginResponse>((resolve, reject) => {
      const request: LoginRequest = { ...person, clientId: 'bench', device: undefined, origin: undefined };
      this.#client.login(request, (error, response) => (error === null ? resolve(response) : reject(error)));
    });
    if (outcome?.value.tokens === undefined) throw new Error('Login answered without tokens');
    return outcome.value.tokens;
  }
}

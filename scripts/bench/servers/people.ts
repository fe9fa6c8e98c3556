import { connect } from '../../../src/client/index.ts';

export interface Person {
  readonly userId: string;
  readonly username: string;
  readonly password: string;
}

/** So many users that none of them comes near the session limit. */
const USERS = 16;

/** Signs in the administrator, who creates users. */
export async function createPeople(
  port: number,
  admin: Pick<Person, 'username' | 'password'>,
): Promise<readonly Person[]> {
  const client = connect(`127.0.0.1:${port}`, { credentials: { kind: 'plaintext' }, mode: 'remote' });
  const { tokens } = await client.login({ ...admin, clientId: 'bench' });
  const people: Person[] = [];
  for (let index = 0; index < USERS; index += 1) {
    const person = { username: `bench-${index}`, password: `a bench pass phrase, ${index}` };
    const { user } = await client.users.createUser(
      {
        username: person.username,
        credential: { $case: 'password', value: person.password },
        roles: ['reader', 'writer'],
      },
      { token: tokens?.accessToken ?? '' },
    );
    people.push({ ...person, userId: user?.userId ?? '' });
  }
  await client.close();
  return people;
}

import { type ClientOptions, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  IdentityServiceClient,
  type LoginRequest,
  type LoginResponse,
  type LogoutRequest,
  type LogoutResponse,
  type RefreshRequest,
  type RefreshResponse,
  type SignedIn,
  type ValidateRequest,
  type ValidateResponse,
} from '../../src/gen/latchkey/v1/identity.ts';
import { Consistency } from '../../src/gen/latchkey/v1/validation.ts';

/** A plain client of IdentityService with promises and a deadline of ten seconds. */
export class IdentityClient {
  readonly #client: IdentityServiceClient;

  constructor(address: string, options: ClientOptions = {}) {
    this.#client = new IdentityServiceClient(address, credentials.createInsecure(), options);
  }

  async login(given: Partial<LoginRequest>): Promise<SignedIn> {
    const nothing = { device: undefined, origin: undefined, deviceToken: '', labels: {}, endSessionId: '' };
    const request = { username: 'admin', password: '', clientId: 'test', ...nothing, ...given };
    const { outcome } = await answer<LoginResponse>((done) =>
      this.#client.login(request, new Metadata(), deadline(), done),
    );
    if (outcome?.$case !== 'signedIn') throw new Error('Login opened no session');
    return outcome.value;
  }

  refresh(refreshToken: string, given: Partial<RefreshRequest> = {}): Promise<RefreshResponse> {
    const request = { refreshToken, clientId: '', origin: undefined, ...given };
    return answer((done) => this.#client.refresh(request, new Metadata(), deadline(), done));
  }

  logout(token: LogoutRequest['token']): Promise<LogoutResponse> {
    return answer((done) => this.#client.logout({ token }, new Metadata(), deadline(), done));
  }

  validate(accessToken: string, given: Partial<ValidateRequest> = {}): Promise<ValidateResponse> {
    const request = {
      accessToken,
      consistency: Consistency.BOUNDED,
      audience: '',
      atLeastRevision: '',
      ...given,
    };
    return answer((done) => this.#client.validate(request, new Metadata(), deadline(), done));
  }

  close(): void {
    this.#client.close();
  }
}

type Done<T> = (error: ServiceError | null, response: T) => void;

function answer<T>(call: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, response) => (error === null ? resolve(response) : reject(error)));
  });
}

function deadline() {
  return { deadline: Date.now() + 10_000 };
}

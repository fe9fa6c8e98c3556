import { type ClientOptions, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  IdentityServiceClient,
  type LoginRequest,
  type LoginResponse,
  type LogoutRequest,
  type LogoutResponse,
  type RefreshResponse,
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

  login(given: Partial<LoginRequest>): Promise<LoginResponse> {
    const request = { username: 'admin', password: '', clientId: 'test', device: undefined, ...given };
    return answer((done) => this.#client.login(request, new Metadata(), deadline(), done));
  }

  refresh(refreshToken: string): Promise<RefreshResponse> {
    return answer((done) => this.#client.refresh({ refreshToken }, new Metadata(), deadline(), done));
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

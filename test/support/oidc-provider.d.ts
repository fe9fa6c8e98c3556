// The parts of oidc-provider that the tests use. It ships no types.
declare module 'oidc-provider/lib/adapters/memory_adapter.js' {
  // biome-ignore lint/style/noDefaultExport: this is how the library exports it
  export default class MemoryAdapter {}
}

declare module 'oidc-provider' {
  import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

  export interface Grant {
    addOIDCScope(scope: string): void;
    save(): Promise<string>;
  }

  export interface Interaction {
    readonly params: { readonly client_id: string };
  }

  // biome-ignore lint/style/noDefaultExport: this is how the library exports it
  export default class Provider {
    constructor(issuer: string, configuration: object);
    readonly Grant: new (of: {
      accountId: string;
      clientId: string;
    }) => Grant;
    callback(): RequestListener;
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
    interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>;
  }
}

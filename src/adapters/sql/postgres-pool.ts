import { Socket } from 'node:net';
import type {
  PostgresPool as KyselyPostgresPool,
  PostgresCursor,
  PostgresPoolClient,
  PostgresQueryResult,
} from 'kysely';
import { Client, type ClientConfig, DatabaseError, Pool, type PoolClient, type PoolConfig, types } from 'pg';

/** How long `end` waits for connections to close before it destroys their sockets; milliseconds. */
const CLOSE_TIMEOUT_MS = 1_000;

/** The server closes the connection after an error of one of these severities. */
const FATAL_SEVERITIES: ReadonlySet<string | undefined> = new Set(['FATAL', 'PANIC']);

/** The type OID of `bigint` (pg_type catalog). All our bigints are timestamps, which a number can hold exactly. */
const INT8 = 20;

/**
 * Adapts pg's pool to Kysely's driver, with three additions. It discards a connection that did not answer.
 * It prepares each statement with parameters once per connection. Closing never hangs.
 */
export class PostgresPool implements KyselyPostgresPool {
  readonly options: object;
  readonly #pool: Pool;
  readonly #onBroken: (cause: Error) => void;
  readonly #sockets = new Set<Socket>();
  readonly #names = new Map<string, string>();
  #ended: Promise<void> | undefined;

  /** @param onBroken called with the cause when a connection fails while in use. */
  constructor(config: PoolConfig, onBroken: (cause: Error) => void = () => undefined) {
    this.options = config;
    this.#onBroken = onBroken;
    this.#pool = new Pool({
      ...config,
      Client: ClientWithErrorListeners,
      stream: () => this.#newSocket(),
      types: {
        getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
          oid === INT8 ? Number : types.getTypeParser(oid, format)) as typeof types.getTypeParser,
      },
    });
    // An idle connection failed. The pool has already removed it, and the next caller gets a new one.
    this.#pool.on('error', () => undefined);
  }

  async connect(): Promise<PostgresPoolClient> {
    return new Connection(await this.#pool.connect(), (sql) => this.#nameOf(sql), this.#onBroken);
  }

  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    const closed = [...this.#sockets].map(
      (socket) => new Promise((resolve) => socket.once('close', resolve)),
    );
    const cut = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, CLOSE_TIMEOUT_MS);
    try {
      await this.#pool.end();
      await Promise.all(closed);
    } finally {
      clearTimeout(cut);
    }
  }

  #newSocket(): Socket {
    const socket = new Socket();
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return socket;
  }

  /** The number of names is bounded, because query texts are fixed. */
  #nameOf(sql: string): string {
    const known = this.#names.get(sql);
    if (known !== undefined) return known;
    const name = `latchkey_${this.#names.size + 1}`;
    this.#names.set(sql, name);
    return name;
  }
}

/**
 * pg emits `error` when a connection is lost. The pool does not listen on a client in use, and an unhandled `error`
 * event ends the process. The current or the next query still fails.
 */
class ClientWithErrorListeners extends Client {
  constructor(config?: ClientConfig) {
    super(config);
    this.on('error', () => undefined);
    // If authentication fails on the client side, pg leaves the socket open until the server closes it.
    this.connection.on('error', () => this.connection.stream.destroy());
  }
}

class Connection implements PostgresPoolClient {
  readonly #client: PoolClient;
  readonly #nameOf: (sql: string) => string;
  readonly #onBroken: (cause: Error) => void;
  /** The error that made the connection unusable. Not set by errors that leave it open, such as a unique violation. */
  #broken: Error | undefined;

  constructor(client: PoolClient, nameOf: (sql: string) => string, onBroken: (cause: Error) => void) {
    this.#client = client;
    this.#nameOf = nameOf;
    this.#onBroken = onBroken;
  }

  query<R>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  query<R>(
    given: string | PostgresCursor<R>,
    parameters: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<R>> | PostgresCursor<R> {
    if (typeof given !== 'string') throw new Error('Cursors are not in use here.');
    return this.#query(given, parameters);
  }

  /** @param discard true if a rollback failed: the connection must not be reused. */
  release(discard = false): void {
    this.#client.release(discard || this.#broken !== undefined);
  }

  async #query<R>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    if (this.#broken !== undefined) throw this.#broken;
    const name = parameters.length > 0 ? { name: this.#nameOf(sql) } : {};
    try {
      const result = await this.#client.query({ ...name, text: sql, values: [...parameters] });
      return result as unknown as PostgresQueryResult<R>;
    } catch (error) {
      const staysOpen = error instanceof DatabaseError && !FATAL_SEVERITIES.has(error.severity);
      if (!staysOpen) this.#markBroken(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  }

  #markBroken(cause: Error): void {
    this.#broken = cause;
    this.#onBroken(cause);
  }
}

/** The low byte of an extended result code; see https://sqlite.org/rescode.html. */
const SQLITE_BUSY = 5;

/** The error that `node:sqlite` throws when SQLite reports one. */
export interface SqliteError {
  /** An extended result code. */
  readonly errcode: number;
  readonly message: string;
}

export function isSqliteError(error: unknown): error is SqliteError {
  return (
    typeof error === 'object' && error !== null && 'errcode' in error && typeof error.errcode === 'number'
  );
}

/** True if another connection holds the required lock. */
export function isSqliteBusy(error: unknown): boolean {
  return isSqliteError(error) && (error.errcode & 0xff) === SQLITE_BUSY;
}

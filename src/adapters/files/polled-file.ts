import { readFile, stat } from 'node:fs/promises';

export interface PolledFileOptions<Content> {
  readonly file: string;
  /** How often to look for a change; milliseconds. */
  readonly intervalMs: number;
  /** Throws an error with a message for people if the bytes cannot be used. */
  readonly parse: (bytes: Buffer) => Content;
  /** The file has changed and was read. */
  readonly onChange: (content: Content) => void;
  /** The file has changed and cannot be used, so the previous content stays. Called at every look until it can be used. */
  readonly onProblem: (error: unknown) => void;
}

/** A file that is read again when its time, size or inode changes. */
export class PolledFile<Content> {
  readonly #options: PolledFileOptions<Content>;
  #content: Content;
  #version: string;
  #polling: Promise<void> | undefined;
  readonly #timer: NodeJS.Timeout;

  private constructor(options: PolledFileOptions<Content>, content: Content, version: string) {
    this.#options = options;
    this.#content = content;
    this.#version = version;
    this.#timer = setInterval(() => void this.poll(), options.intervalMs).unref();
  }

  /** Reads the file. Fails if it cannot be used. */
  static async open<Content>(options: PolledFileOptions<Content>): Promise<PolledFile<Content>> {
    const version = await versionOf(options.file);
    return new PolledFile(options, options.parse(await readFile(options.file)), version);
  }

  /** As last read. */
  get content(): Content {
    return this.#content;
  }

  /** Reads the file again if it has changed. Concurrent calls share one look. */
  poll(): Promise<void> {
    this.#polling ??= this.#poll().finally(() => {
      this.#polling = undefined;
    });
    return this.#polling;
  }

  /** Waits for a look in progress. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#polling;
  }

  async #poll(): Promise<void> {
    const { file, parse, onChange, onProblem } = this.#options;
    try {
      // Before the content, so that a change in between is found by the next look.
      const version = await versionOf(file);
      if (version === this.#version) return;
      this.#content = parse(await readFile(file));
      this.#version = version;
      onChange(this.#content);
    } catch (error) {
      onProblem(error);
    }
  }
}

/** Differs after a change. Fails for anything but a file: reading a pipe would wait. */
async function versionOf(file: string): Promise<string> {
  const stats = await stat(file);
  if (!stats.isFile()) throw new Error('it is not a file');
  return `${stats.mtimeMs} ${stats.size} ${stats.ino}`;
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ClientProject } from './client-package.ts';
import { LatchkeyProcess } from './latchkey-process.ts';

/** A user's project with the packed client, and a running service whose admin has `password`. */
export class ClientAndService {
  static readonly password = 'correct horse battery';
  readonly project: ClientProject;
  readonly #service: LatchkeyProcess;
  readonly #dataDir: string;

  private constructor(project: ClientProject, service: LatchkeyProcess, dataDir: string) {
    this.project = project;
    this.#service = service;
    this.#dataDir = dataDir;
  }

  static async start(): Promise<ClientAndService> {
    const project = new ClientProject();
    const dataDir = mkdtempSync(path.join(tmpdir(), 'latchkey-client-data-'));
    const service = await LatchkeyProcess.start({
      LATCHKEY_DATA_DIR: dataDir,
      LATCHKEY_BOOTSTRAP_PASSWORD: ClientAndService.password,
    });
    return new ClientAndService(project, service, dataDir);
  }

  get address(): string {
    return this.#service.address;
  }

  async stop(): Promise<void> {
    await this.#service.stop();
    this.project.remove();
    rmSync(this.#dataDir, { recursive: true });
  }
}

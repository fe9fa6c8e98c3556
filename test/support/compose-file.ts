import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

export interface ComposeService {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly ports?: readonly string[];
  readonly networks?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly security_opt?: readonly string[];
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
}

const root = path.resolve(import.meta.dirname, '../..');

/** A variable that docker-compose.yml requires and does not find; `message` is its error message. */
export class MissingVariable extends Error {
  readonly variable: string;

  constructor(variable: string, said: string) {
    super(said);
    this.variable = variable;
  }
}

/** docker-compose.yml with `${NAME:?what is missing}` replaced from `variables`, as Docker Compose does it. */
export function readCompose(variables: Readonly<Record<string, string>>): ComposeFile {
  const text = readFileSync(path.join(root, 'docker-compose.yml'), 'utf8');
  const filled = text.replaceAll(/\$\{(\w+):\?([^}]*)\}/g, (_all, name: string, said: string) => {
    const value = variables[name];
    if (value === undefined || value === '') throw new MissingVariable(name, said);
    return value;
  });
  return parse(filled) as ComposeFile;
}

/** The names in .env.example, which a user must set. */
export function exampleVariables(): readonly string[] {
  const text = readFileSync(path.join(root, '.env.example'), 'utf8');
  return [...text.matchAll(/^(\w+)=/gm)].map(([, name = '']) => name);
}

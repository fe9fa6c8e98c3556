import path from 'node:path';
import ts from 'typescript-5.6';

/** An `@example` of an export or of one of its members. */
export interface Example {
  /** For example `LatchkeyClient.ready`. */
  readonly of: string;
  readonly entry: EntryPoint;
  readonly code: string;
}

/** A member of an exported interface or class, as declared. */
export interface Member {
  /** For example `ConnectOptions.timeoutMs`. */
  readonly name: string;
  readonly documentation: string;
  readonly isOptional: boolean;
  readonly acceptsUndefined: boolean;
  /** Without `undefined`. */
  readonly type: string;
}

export interface Export {
  readonly name: string;
  readonly entry: EntryPoint;
  readonly documentation: string;
  readonly examples: readonly Example[];
  readonly members: readonly Member[];
}

const ENTRY_POINTS = {
  'latchkey-client': 'client/index.d.ts',
  'latchkey-client/testing': 'client/testing/index.d.ts',
} as const;
export type EntryPoint = keyof typeof ENTRY_POINTS;

/** The public API of the packed client: its exported declarations with their doc comments. */
export class ClientApi {
  readonly exports: readonly Export[];
  readonly #installed: string;
  readonly #checker: ts.TypeChecker;
  readonly #symbols = new Map<string, ts.Symbol>();
  readonly #read = new Set<ts.Declaration>();

  /** @param installed the folder of the package. TypeScript 7 has no API, so 5.6 reads the declarations. */
  constructor(installed: string) {
    this.#installed = installed;
    const files = Object.values(ENTRY_POINTS).map((file) => path.join(installed, file));
    const { ES2023: target } = ts.ScriptTarget;
    const { NodeNext: module } = ts.ModuleKind;
    const program = ts.createProgram(files, { target, module, strict: true, types: ['node'] });
    this.#checker = program.getTypeChecker();
    this.exports = Object.entries(ENTRY_POINTS).flatMap(([entry, file]) => {
      const source = program.getSourceFile(path.join(installed, file));
      const module = source && this.#checker.getSymbolAtLocation(source);
      if (module === undefined) throw new Error(`${entry} has no declarations.`);
      return this.#checker
        .getExportsOfModule(module)
        .map((symbol) => this.#export(entry as EntryPoint, symbol));
    });
  }

  /** The generated types that a member of an exported interface takes or returns, at any depth. */
  generatedTypesOf(interfaceName: string, memberName: string): readonly string[] {
    const owner = this.#symbols.get(interfaceName);
    const member = owner && this.#checker.getDeclaredTypeOfSymbol(owner).getProperty(memberName);
    if (member === undefined) throw new Error(`${interfaceName} has no ${memberName}.`);
    const seen = new Set<ts.Type>();
    this.#visit(this.#checker.getTypeOfSymbol(member), seen);
    return [...seen].filter((type) => this.#folderOf(type.symbol) === 'gen').map(({ symbol }) => symbol.name);
  }

  #visit(type: ts.Type, seen: Set<ts.Type>): void {
    if (seen.has(type)) return;
    seen.add(type);
    const parts = 'target' in type ? this.#checker.getTypeArguments(type as ts.TypeReference) : [];
    for (const part of type.isUnionOrIntersection() ? type.types : parts) this.#visit(part, seen);
    const signatures = type.getCallSignatures();
    const parameters = signatures.flatMap((signature) => signature.parameters);
    for (const symbol of [...parameters, ...this.#ownProperties(type)]) {
      this.#visit(this.#checker.getTypeOfSymbol(symbol), seen);
    }
    for (const signature of signatures) this.#visit(signature.getReturnType(), seen);
  }

  #export(entry: EntryPoint, exported: ts.Symbol): Export {
    const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
    const symbol = isAlias ? this.#checker.getAliasedSymbol(exported) : exported;
    const { name } = exported;
    this.#symbols.set(name, symbol);
    const type = this.#checker.getDeclaredTypeOfSymbol(symbol);
    const properties = (type.isUnion() ? type.types : [type]).flatMap((part) => this.#ownProperties(part));
    const examples = [symbol, ...properties].flatMap((documented) =>
      this.#unreadExamplesOf(documented).map((code) => ({
        ...{ entry, code, of: documented === symbol ? name : `${name}.${documented.name}` },
      })),
    );
    const members = properties.flatMap((property) => this.#member(name, property));
    return { name, entry, documentation: this.#documentationOf(symbol), examples, members };
  }

  /** Those that this package declares. */
  #ownProperties(type: ts.Type): readonly ts.Symbol[] {
    return type.getProperties().filter((property) => this.#folderOf(property) !== undefined);
  }

  /** The folder of the package that declares it: `client`, `validator` or `gen`. Undefined: another package does. */
  #folderOf(symbol: ts.Symbol | undefined): string | undefined {
    const file = symbol?.declarations?.[0]?.getSourceFile().fileName ?? '';
    return file.startsWith(this.#installed) ? path.relative(this.#installed, file).split('/')[0] : undefined;
  }

  #member(owner: string, property: ts.Symbol): readonly Member[] {
    const [declaration] = property.declarations ?? [];
    if (declaration === undefined) return [];
    if (!ts.isPropertySignature(declaration) && !ts.isPropertyDeclaration(declaration)) return [];
    if (declaration.type === undefined || this.#folderOf(property) === 'gen') return [];
    const type = this.#checker.getTypeFromTypeNode(declaration.type);
    const isUndefined = ({ flags }: ts.Type) => (flags & ts.TypeFlags.Undefined) !== 0;
    return [
      {
        name: `${owner}.${property.name}`,
        documentation: this.#documentationOf(property),
        isOptional: declaration.questionToken !== undefined,
        acceptsUndefined: type.isUnion() && type.types.some(isUndefined),
        type: this.#checker.typeToString(this.#checker.getNonNullableType(type)),
      },
    ];
  }

  #documentationOf(symbol: ts.Symbol): string {
    return ts.displayPartsToString(symbol.getDocumentationComment(this.#checker));
  }

  /** One per declaration: other exports inherit the member, and its example is written for this one. */
  #unreadExamplesOf(symbol: ts.Symbol): readonly string[] {
    const [declaration] = symbol.declarations ?? [];
    if (declaration === undefined || this.#read.has(declaration)) return [];
    this.#read.add(declaration);
    return symbol
      .getJsDocTags(this.#checker)
      .filter(({ name }) => name === 'example')
      .map(({ text }) => ts.displayPartsToString(text));
  }
}

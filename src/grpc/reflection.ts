import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';

/** A google.protobuf.FileDescriptorSet of every proto file a client may ask about; `npm run generate` makes it. */
const DESCRIPTORS = new URL('../gen/descriptors.binpb', import.meta.url);

/**
 * Server reflection, v1 and v1alpha, for the services named.
 *
 * The reflection library is made for definitions of its sibling, the proto loader, and by that way loses the
 * files that a file imports: a client could not resolve a Timestamp, nor the details of an error. All it
 * really takes of a definition are the bytes of the files, so it gets those of every file there is.
 */
export function addReflection(server: Server, services: readonly string[]): void {
  const everything = {
    format: 'Protocol Buffer 3 EnumDescriptorProto' as const,
    type: {},
    fileDescriptorProtos: readDescriptors(),
  };
  new ReflectionService({ everything }, { services: [...services] }).addToServer(server);
}

/** The files of the set, each still encoded. */
function readDescriptors(): Buffer[] {
  const path = fileURLToPath(DESCRIPTORS);
  const reader = new BinaryReader(readFile(path));
  const files: Buffer[] = [];
  while (reader.pos < reader.len) {
    const [fieldNumber, wireType] = reader.tag();
    if (fieldNumber === 1) files.push(Buffer.from(reader.bytes()));
    else reader.skip(wireType);
  }
  return files;
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Error(`Reflection needs ${path}; \`npm run generate\` makes it.`, { cause });
  }
}

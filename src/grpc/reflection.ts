import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';

/** A google.protobuf.FileDescriptorSet of all proto files. `npm run generate` creates it. */
const DESCRIPTORS = new URL('../gen/descriptors.binpb', import.meta.url);

/**
 * Adds server reflection, v1 and v1alpha, for these services.
 *
 * The reflection library expects definitions from the proto loader, which lose imported files. Clients could not
 * resolve a Timestamp or error details. The library uses only the file bytes of a definition, so it gets all files.
 */
export function addReflection(server: Server, services: readonly string[]): void {
  const everything = {
    format: 'Protocol Buffer 3 EnumDescriptorProto' as const,
    type: {},
    fileDescriptorProtos: readDescriptors(),
  };
  new ReflectionService({ everything }, { services: [...services] }).addToServer(server);
}

/** The files of the set, still encoded. */
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
    throw new Error(`Reflection needs ${path}. Run \`npm run generate\` to create it.`, { cause });
  }
}

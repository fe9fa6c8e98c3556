import { readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, test } from '@jest/globals';

const image = new URL('../../src/gen/descriptors.binpb', import.meta.url);
const files = fromBinary(FileDescriptorSetSchema, readFileSync(image)).file.filter(({ name }) =>
  name.startsWith('latchkey/'),
);
const packages = [...new Set(files.map((file) => file.package))];
const of = (name: string) => files.filter((file) => file.package === name);

describe('code that other languages generate from proto/ without options', () => {
  test('has one Go package for each proto package', () => {
    expect(packages).toEqual(['latchkey.admin.v1', 'latchkey.v1']);
    for (const name of packages) {
      const path = name.split('.');
      const expected = `${path.join('/')};${path.slice(-2).join('')}`;
      expect(of(name).map(({ options }) => options?.goPackage)).toEqual(of(name).map(() => expected));
    }
  });

  test('has one class per file in Java, and no two with the same name', () => {
    for (const name of packages) {
      const classes = of(name).flatMap(({ options, messageType, enumType, service }) => {
        expect(options?.javaMultipleFiles).toBe(true);
        const own = [...messageType, ...enumType].map((type) => type.name);
        return [options?.javaOuterClassname, ...own, ...service.map((each) => `${each.name}Grpc`)];
      });
      expect(classes).not.toContain('');
      expect(classes).toHaveLength(new Set(classes).size);
    }
  });
});

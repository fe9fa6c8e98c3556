/** Builds files in the MaxMind DB format, version 2.0, with an IPv6 tree in which IPv4 is at ::/96. */

type Data = string | number | { readonly [name: string]: Data };

const RECORD_BYTES = 3;
const SEPARATOR_BYTES = 16;
const METADATA_MARKER = Buffer.from('\u00ab\u00cd\u00efMaxMind.com', 'latin1');
const [STRING, UINT32, MAP] = [2, 6, 7];

/** A child of a node: another node, the place of data, or nothing. */
type Child = { readonly node: number } | { readonly data: number } | undefined;

/** @param countries code of the country by network, for example `203.0.113.0/24`. */
export function countryFile(
  countries: Readonly<Record<string, string>>,
  databaseType = 'Test-Country',
): Buffer {
  const nodes: [Child, Child][] = [[undefined, undefined]];
  let data = Buffer.alloc(0);
  for (const [network, code] of Object.entries(countries)) {
    insert(nodes, bitsOf(network), { data: data.length });
    data = Buffer.concat([data, encoded({ country: { iso_code: code } })]);
  }
  const metadata = {
    ...{ binary_format_major_version: 2, binary_format_minor_version: 0, build_epoch: 1_767_225_600 },
    ...{
      database_type: databaseType,
      ip_version: 6,
      node_count: nodes.length,
      record_size: RECORD_BYTES * 8,
    },
  };
  const tree = nodes.flat().map((child) => record(child, nodes.length));
  return Buffer.concat([...tree, Buffer.alloc(SEPARATOR_BYTES), data, METADATA_MARKER, encoded(metadata)]);
}

function insert(nodes: [Child, Child][], bits: readonly (0 | 1)[], leaf: Child): void {
  let node = nodes[0];
  for (const [depth, bit] of bits.entries()) {
    if (node === undefined) return;
    if (depth === bits.length - 1) {
      node[bit] = leaf;
      return;
    }
    const child = node[bit];
    const next = child !== undefined && 'node' in child ? child.node : nodes.push([undefined, undefined]) - 1;
    node[bit] = { node: next };
    node = nodes[next];
  }
}

function record(child: Child, nodeCount: number): Buffer {
  const bytes = Buffer.alloc(RECORD_BYTES);
  if (child === undefined) bytes.writeUIntBE(nodeCount, 0, RECORD_BYTES);
  else if ('node' in child) bytes.writeUIntBE(child.node, 0, RECORD_BYTES);
  else bytes.writeUIntBE(nodeCount + SEPARATOR_BYTES + child.data, 0, RECORD_BYTES);
  return bytes;
}

function encoded(value: Data): Buffer {
  if (typeof value === 'string') return withType(STRING, Buffer.from(value), Buffer.byteLength(value));
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return withType(UINT32, bytes, bytes.length);
  }
  const entries = Object.entries(value);
  const content = entries.flatMap(([name, member]) => [encoded(name), encoded(member)]);
  return withType(MAP, Buffer.concat(content), entries.length);
}

/** @param size less than 29. */
function withType(type: number, content: Buffer, size: number): Buffer {
  return Buffer.concat([Buffer.from([(type << 5) | size]), content]);
}

/** The bits of a network prefix: `a.b.c.d/n`, or eight groups of hexadecimal digits. */
function bitsOf(network: string): readonly (0 | 1)[] {
  const [address = '', length = ''] = network.split('/');
  const isIpv4 = address.includes('.');
  const [numbers, width, before] = isIpv4
    ? [address.split('.').map(Number), 8, '0'.repeat(96)]
    : [address.split(':').map((group) => Number.parseInt(group, 16)), 16, ''];
  const bits = before + numbers.map((number) => number.toString(2).padStart(width, '0')).join('');
  return [...bits.slice(0, before.length + Number(length))].map((bit) => (bit === '1' ? 1 : 0));
}

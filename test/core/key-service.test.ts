import { beforeEach, describe, expect, test } from '@jest/globals';
import { storeUnavailable } from '../../src/core/failure.ts';
import type { KeyPolicy } from '../../src/core/keys/key-lifecycle.ts';
import type { KeyMaterial } from '../../src/core/keys/key-material.ts';
import { KeyService } from '../../src/core/keys/key-service.ts';
import type { KeyStore } from '../../src/core/keys/key-store.ts';
import { MasterKeys } from '../../src/core/keys/master-key.ts';
import { failureOf } from '../support/failing.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryKeyStore } from '../support/memory-key-store.ts';
import { DAY, MINUTE } from '../support/sessions.ts';

const TICK = MINUTE;
const policy: KeyPolicy = {
  algorithm: 'EdDSA',
  rotationMs: 30 * DAY,
  publishLeadMs: 10 * MINUTE,
  retentionMs: 16 * MINUTE,
};
const oldMaster = Buffer.alloc(32, 1);
const newMaster = Buffer.alloc(32, 2);

/** Keys that sign with their own name. */
class PlainMaterial implements KeyMaterial {
  #made = 0;

  async generate() {
    this.#made += 1;
    const keyId = `key-${this.#made}`;
    return { keyId, publicJwk: { kid: keyId }, privateJwk: `private half of ${keyId}` };
  }

  async signer(keyId: string, _algorithm: string, privateJwk: string) {
    return { keyId, sign: async () => `signed with the ${privateJwk}` };
  }
}

/** A key store that counts its reads, and can be unavailable. */
class WatchedStore extends MemoryKeyStore implements KeyStore {
  reads = 0;
  isGone = false;

  override async list() {
    this.reads += 1;
    if (this.isGone) throw storeUnavailable('keys', new Error('gone'));
    return super.list();
  }
}

let clock: ManualClock;
let store: WatchedStore;
let material: PlainMaterial;

beforeEach(() => {
  clock = new ManualClock();
  store = new WatchedStore();
  material = new PlainMaterial();
});

const aService = (
  given: { policy?: Partial<KeyPolicy>; masterKeys?: readonly Buffer[]; clock?: ManualClock } = {},
) =>
  new KeyService({
    store,
    material,
    masterKeys: new MasterKeys(given.masterKeys ?? [oldMaster]),
    clock: given.clock ?? clock,
    policy: { ...policy, ...given.policy },
  });

async function started(given: Parameters<typeof aService>[0] = {}): Promise<KeyService> {
  const service = aService(given);
  await service.start();
  return service;
}

const states = (service: KeyService) => service.list().map(({ keyId, state }) => `${keyId} ${state}`);
const published = (service: KeyService) => service.publicKeys().map(({ kid }) => kid);

/** Lets time pass as in production, with regular ticks. */
async function pass(ms: number, ...services: readonly KeyService[]): Promise<void> {
  for (let passed = 0; passed < ms; passed += TICK) {
    clock.advance(Math.min(TICK, ms - passed));
    for (const service of services) await service.tick();
  }
}

describe('the first key', () => {
  test('is created at the first start, signs at once, and is loaded at the next start', async () => {
    const service = await started();
    expect(states(service)).toEqual(['key-1 SIGNING']);
    expect(await service.signer().sign({})).toBe('signed with the private half of key-1');
    expect(service.signer().keyId).toBe('key-1');
    expect(states(await started())).toEqual(['key-1 SIGNING']);
  });

  test('is created once, however many processes start together', async () => {
    const services = await Promise.all([started(), started(), started()]);
    expect(await store.list()).toHaveLength(1);
    expect(new Set(services.map((service) => service.signer().keyId)).size).toBe(1);
  });

  test('is stored sealed', async () => {
    await started();
    expect(JSON.stringify(await store.list())).not.toContain('private half');
  });
});

describe('rotation', () => {
  test('publishes, uses and retires a known key by the clock alone', async () => {
    const service = await started();
    const made = await service.rotate();
    const takeover = clock.now() + policy.publishLeadMs;
    expect(made).toMatchObject({ keyId: 'key-2', state: 'PUBLISHED', signsFrom: takeover });
    expect(states(service)).toEqual(['key-2 PUBLISHED', 'key-1 SIGNING']);
    expect(published(service)).toEqual(['key-2', 'key-1']);
    expect(service.list()[1]).toMatchObject({
      signsUntil: takeover,
      publishedUntil: takeover + policy.retentionMs,
    });
    const { reads } = store;

    clock.advance(policy.publishLeadMs / 2 - 1);
    expect(service.signer().keyId).toBe('key-1');
    clock.advance(policy.publishLeadMs / 2 + 1);
    expect(service.signer().keyId).toBe('key-2');
    expect(states(service)).toEqual(['key-2 SIGNING', 'key-1 RETIRING']);
    clock.advance(policy.retentionMs);
    expect(states(service)).toEqual(['key-2 SIGNING']);
    expect(published(service)).toEqual(['key-2']);
    expect(store.reads).toBe(reads);
  });

  test('happens on schedule, so that no key signs for too long', async () => {
    const service = await started();
    await pass(policy.rotationMs - policy.publishLeadMs - 1, service);
    expect(states(service)).toEqual(['key-1 SIGNING']);
    await pass(1, service);
    expect(states(service)).toEqual(['key-2 PUBLISHED', 'key-1 SIGNING']);
    await pass(policy.publishLeadMs, service);
    expect(states(service)).toEqual(['key-2 SIGNING', 'key-1 RETIRING']);
  });

  test('is made up for after a pause, without using a key that verifiers do not know', async () => {
    await started();
    clock.advance(100 * DAY);
    const service = await started();
    await service.tick();
    expect(states(service)).toEqual(['key-2 PUBLISHED', 'key-1 SIGNING']);
  });

  test('follows a change of the algorithm, once', async () => {
    await started();
    const service = await started({ policy: { algorithm: 'ES256' } });
    await pass(5 * TICK, service);
    expect(service.list().map(({ algorithm, state }) => `${algorithm} ${state}`)).toEqual([
      'ES256 PUBLISHED',
      'EdDSA SIGNING',
    ]);
  });

  test('adds one key, however many processes find it due at the same time', async () => {
    const services = await Promise.all([started(), started(), started()]);
    clock.advance(policy.rotationMs);
    await Promise.all(services.map((service) => service.tick()));
    expect(await store.list()).toHaveLength(2);
    expect(new Set(services.map((service) => states(service).join())).size).toBe(1);
  });

  test('by concurrent commands in two processes returns the same key', async () => {
    const [one, other] = [await started(), await started()];
    const [first, second] = await Promise.all([one.rotate(), other.rotate()]);
    expect(second).toEqual(first);
    expect(await store.list()).toHaveLength(2);
  });

  test('by command returns the same key until it signs, in every process', async () => {
    const [one, other] = [await started(), await started()];
    const first = await one.rotate();
    clock.advance(policy.publishLeadMs - 1);
    expect(await other.rotate()).toEqual(first);
    expect(await one.rotate()).toEqual(first);
    expect(await store.list()).toHaveLength(2);
    clock.advance(1);
    expect(await other.rotate()).toMatchObject({
      keyId: expect.not.stringMatching('key-2'),
      state: 'PUBLISHED',
    });
    expect(await store.list()).toHaveLength(3);
  });

  test('finally removes the old key from the store', async () => {
    const service = await started();
    await service.rotate();
    await pass(policy.publishLeadMs + policy.retentionMs + DAY - 1, service);
    expect(await store.list()).toHaveLength(2);
    await pass(1, service);
    expect((await store.list()).map(({ keyId }) => keyId)).toEqual(['key-2']);
    expect(service.signer().keyId).toBe('key-2');
  });
});

describe('a process among others', () => {
  test('knows a key of another process before it signs, and switches at the same time', async () => {
    const [one, other] = [await started(), await started()];
    await one.rotate();
    await pass(TICK, one, other);
    expect(published(other)).toEqual(['key-2', 'key-1']);
    await pass(policy.publishLeadMs - TICK - 1, one, other);
    expect([one.signer().keyId, other.signer().keyId]).toEqual(['key-1', 'key-1']);
    clock.advance(1);
    expect([one.signer().keyId, other.signer().keyId]).toEqual(['key-2', 'key-2']);
  });

  test('that has not read the keys for long reads them before it signs', async () => {
    const [one, other] = [await started(), await started()];
    await one.rotate();
    clock.advance(policy.publishLeadMs);
    expect(await other.signer().sign({})).toBe('signed with the private half of key-2');
  });

  test('that cannot read the keys signs until an unknown key could sign', async () => {
    const service = await started();
    store.isGone = true;
    clock.advance(policy.publishLeadMs / 2 - 1);
    expect((await failureOf(service.tick())).reason).toBe('STORE_UNAVAILABLE');
    await service.signer().sign({});
    clock.advance(1);
    const { reason, metadata } = await failureOf(service.signer().sign({}));
    expect([reason, metadata]).toEqual(['STORE_UNAVAILABLE', { store: 'keys' }]);
    expect(published(service)).toEqual(['key-1']);
    store.isGone = false;
    await service.signer().sign({});
  });

  test('reloads at most once a second, and once for concurrent calls', async () => {
    const service = await started();
    const { reads } = store;
    await service.reload();
    expect(store.reads).toBe(reads);
    clock.advance(1000);
    await Promise.all([service.reload(), service.reload(), service.reload()]);
    await service.reload();
    expect(store.reads).toBe(reads + 1);
  });

  test('whose clock is a minute behind or ahead still publishes the signing keys of the others', async () => {
    const one = await started();
    const behind = await started({ clock: new ManualClock(clock.now() - MINUTE) });
    const ahead = await started({ clock: new ManualClock(clock.now() + MINUTE) });
    expect([behind, ahead].map((service) => service.signer().keyId)).toEqual(['key-1', 'key-1']);
    await one.rotate();
    for (const service of [behind, ahead]) await service.tick();
    for (const service of [behind, ahead]) expect(published(service)).toEqual(['key-2', 'key-1']);
  });
});

describe('changing the master key', () => {
  test('keeps the keys that were sealed under the old one in use', async () => {
    await started();
    const service = await started({ masterKeys: [newMaster, oldMaster] });
    expect(service.signer().keyId).toBe('key-1');
    await service.rotate();
    await pass(policy.publishLeadMs, service);
    expect((await started({ masterKeys: [newMaster] })).signer().keyId).toBe('key-2');
  });

  test('and dropping the old one too early is an error at start', async () => {
    await started();
    const { reason, message } = await failureOf(started({ masterKeys: [newMaster] }));
    expect(reason).toBe('INTERNAL');
    expect(message).toContain(new MasterKeys([oldMaster]).newest.id);
    expect(message).toContain('LATCHKEY_MASTER_KEY');
  });

  test('on one process before the others is reported by their ticks, and they sign until the new key starts', async () => {
    const behind = await started();
    await (await started({ masterKeys: [newMaster, oldMaster] })).rotate();
    expect((await failureOf(behind.tick())).reason).toBe('INTERNAL');
    expect(published(behind)).toEqual(['key-2', 'key-1']);
    expect(behind.signer().keyId).toBe('key-1');
    clock.advance(policy.publishLeadMs);
    await failureOf(behind.tick());
    expect((await failureOf(() => behind.signer())).reason).toBe('INTERNAL');
  });
});

describe('closing', () => {
  test('waits for a running tick, and runs no other after it', async () => {
    const service = await started();
    const { reads } = store;
    const ticking = service.tick();
    await service.close();
    expect(store.reads).toBe(reads + 1);
    await ticking;
    await service.tick();
    expect(store.reads).toBe(reads + 1);
  });

  test('gives remote verifiers no outdated keys', async () => {
    const service = await started();
    const keyIds = async () => (await service.currentPublicKeys()).map(({ kid }) => kid);
    store.isGone = true;
    clock.advance(5 * MINUTE - 1);
    expect(await keyIds()).toEqual(['key-1']);
    clock.advance(1);
    expect((await failureOf(service.currentPublicKeys())).reason).toBe('STORE_UNAVAILABLE');
    store.isGone = false;
    expect(await keyIds()).toEqual(['key-1']);
  });
});

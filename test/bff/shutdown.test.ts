import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { BffSite } from './support/bff-site.ts';
import { SessionSites } from './support/session-sites.ts';

let site: BffSite;

beforeAll(async () => {
  site = await BffSite.open();
});

afterAll(() => site.close());

test('a connection on which a browser has asked nothing does not hold up the stop', async () => {
  const bff = await site.bff();
  const socket = connect(Number(new URL(bff.url).port), '127.0.0.1');
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  socket.on('error', () => undefined);
  await bff.close();
  await closed;
});

test('a request in progress is answered before the stop', async () => {
  const sites = await SessionSites.open();
  const { browser } = await sites.signedIn();
  const { control } = sites.here.world;
  const list = control.list.bind(control);
  const held = Promise.withResolvers<void>();
  let isAsked = false;
  control.list = async (...given) => {
    isAsked = true;
    await held.promise;
    return list(...given);
  };
  const answer = browser.get('/api/sessions');
  await eventually(() => isAsked);
  const closed = sites.bffs[0].close();
  held.resolve();
  expect((await answer).status).toBe(200);
  await closed;
  await sites.close();
});

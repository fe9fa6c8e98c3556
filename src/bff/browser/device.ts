import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Cookies } from './cookies.ts';
import { deviceLabel } from './device-label.ts';
import { randomId } from './macs.ts';

/** What the service is told about the device of a browser. */
export interface BrowserDevice {
  readonly device: { readonly deviceId: string; readonly name: string; readonly platform: string };
  /** Empty: nobody has signed in on it yet. */
  readonly deviceToken: string;
}

/** 400 days: browsers keep no cookie longer. */
const MAX_AGE_SECONDS = 34_560_000;
const PATTERN = /^([\w-]{22})\.(lkd_[\w.-]{1,508})?$/;

/** The device of a browser: an id of its own, so that another sign-in replaces the session that it had. */
export function deviceOf(request: FastifyRequest, cookies: Cookies): BrowserDevice {
  const [, deviceId = randomId(), deviceToken = ''] =
    PATTERN.exec(cookies.get(request, 'lk_device') ?? '') ?? [];
  return { device: { deviceId, ...deviceLabel(request.headers['user-agent']) }, deviceToken };
}

/** Keeps the device for the next sign-in. */
export function setDevice(
  reply: FastifyReply,
  cookies: Cookies,
  deviceId: string,
  deviceToken: string,
): void {
  cookies.set(reply, 'lk_device', `${deviceId}.${deviceToken}`, MAX_AGE_SECONDS);
}

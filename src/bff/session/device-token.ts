import { LatchkeyError } from '../../client/index.ts';

/**
 * Calls with the device token of a browser. Calls again without it if the service does not know it any more, for example
 * because its master key was replaced.
 */
export async function withDeviceToken<Result>(
  deviceToken: string,
  call: (deviceToken: string) => Promise<Result>,
): Promise<Result> {
  try {
    return await call(deviceToken);
  } catch (error) {
    if (deviceToken !== '' && isDeviceTokenRefused(error)) return call('');
    throw error;
  }
}

function isDeviceTokenRefused(error: unknown): boolean {
  return error instanceof LatchkeyError && error.violations.some(({ field }) => field === 'device_token');
}

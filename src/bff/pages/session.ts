import type { PageView, SessionView } from '../views.ts';
import { type Html, html } from './html.ts';
import { icon } from './icons.ts';
import { fill, TEXTS, textOfName } from './texts/texts.ts';

/** A sentence that says who is signed in. Empty if the username is empty, which means unknown. */
export function account({ language }: PageView, username: string): Html {
  const { common } = TEXTS[language];
  if (username === '') return html``;
  return html`${fill(common.signedInAs, html`<strong>${username}</strong>`)}${common.joint}`;
}

/** The name of a device as pages show it. */
export function deviceName(
  device: { readonly deviceName: string; readonly platform: string },
  { language }: PageView,
): string {
  return device.deviceName || device.platform || TEXTS[language].common.unknownDevice;
}

/** How a session was opened, in words. */
export function methodsText({ authenticationMethods }: SessionView, { language }: PageView): string {
  const { devices, common } = TEXTS[language];
  const names = authenticationMethods.map((method) => textOfName(devices.methods, method) ?? method);
  return names.length === 0 ? common.unknown : names.join(', ');
}

/** Marks beside the name of a device: this one, a new one. */
export function tags({ isCurrent, isNewDevice }: SessionView, { language }: PageView): Html {
  const { devices } = TEXTS[language];
  return html`${isCurrent && html`<span class="tag good">${icon('check', 14)}${devices.current}</span>`}${
    isNewDevice && html`<span class="tag care">${devices.fresh}</span>`
  }`;
}

import type { ProviderRedirectView } from '../provider-views.ts';
import { html } from './html.ts';
import { layout } from './layout.ts';
import { fill, TEXTS } from './texts/texts.ts';

/** Sends the browser to a provider. The link is for browsers that do not go by themselves. */
export function providerRedirectPage({ page, provider, url }: ProviderRedirectView): string {
  const { signIn } = TEXTS[page.language];
  const target = webAddress(url);
  const content = html`<div class="card pad">
<h1>${fill(signIn.withProvider, provider.displayName)}</h1>
<p class="lead">${signIn.leaving}</p>
<div class="actions"><a class="button main" href="${target}">${signIn.continue}</a></div>
</div>`;
  return layout({ page, title: provider.displayName, content, goesTo: target, width: 'narrow' });
}

/** The address if it is http or https, otherwise the sign-in page: another scheme could run a script. */
function webAddress(text: string): string {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) ? url.href : '/sign-in';
}

import type { IdentityView, ProvidersView } from '../provider-views.ts';
import type { PageView, ProviderView } from '../views.ts';
import { form, hidden } from './form.ts';
import { type Html, html } from './html.ts';
import { layout } from './layout.ts';
import { account } from './session.ts';
import { fill, TEXTS } from './texts/texts.ts';
import { relative } from './times.ts';

/** `GET /providers`: accounts elsewhere that sign the person in here. */
export function providersPage({ page, username, identities, providers }: ProvidersView): string {
  const { linked } = TEXTS[page.language];
  const linkedNames = new Set(identities.map(({ provider }) => provider.name));
  const others = providers.filter(({ name }) => !linkedNames.has(name));
  const content = html`
<div class="head"><div><h1>${linked.title}</h1><p class="lead">${account(page, username)}${linked.lead}</p></div></div>
<section>
<h2 class="unseen">${linked.linked}</h2>
${identities.length === 0 ? html`<p class="card pad soft">${linked.none}</p>` : list(identities.map((identity) => linkedRow(page, identity)))}
</section>
<section class="section">
<h2>${linked.add}</h2>
${others.length === 0 ? html`<p class="soft">${providers.length === 0 ? linked.noProviders : linked.allLinked}</p>` : list(others.map((provider) => otherRow(page, provider)))}
</section>`;
  return layout({ page, title: linked.title, content, entry: 'providers', width: 'middle' });
}

function list(rows: readonly Html[]): Html {
  return html`<ul class="card">${rows}</ul>`;
}

function linkedRow(
  page: PageView,
  { identityId, provider, displayName, linkedAt, lastUsedAt }: IdentityView,
): Html {
  const { linked } = TEXTS[page.language];
  const used =
    lastUsedAt === undefined ? linked.neverUsed : fill(linked.lastUsed, relative(lastUsedAt, page));
  const label = fill(
    linked.unlinkOf,
    displayName === '' ? provider.displayName : `${provider.displayName} ${displayName}`,
  );
  const button = html`${hidden('identity_id', identityId)}<button class="button end" type="submit" aria-label="${label}">${linked.unlink}</button>`;
  return html`<li class="row">${initial(provider)}
<div class="about"><h3>${provider.displayName}${displayName !== '' && html` <span class="soft">${displayName}</span>`}</h3>
<p class="soft small">${fill(linked.since, relative(linkedAt, page))} · ${used}</p></div>
${form(page, '/providers/unlink', button)}</li>`;
}

function otherRow(page: PageView, provider: ProviderView): Html {
  const { linked } = TEXTS[page.language];
  const label = fill(linked.linkOf, provider.displayName);
  const button = html`${hidden('provider', provider.name)}<button class="button" type="submit" aria-label="${label}">${linked.link}</button>`;
  return html`<li class="row">${initial(provider)}<div class="about"><h3>${provider.displayName}</h3></div>${form(page, '/providers/link', button)}</li>`;
}

function initial({ displayName }: ProviderView): Html {
  return html`<span class="initial" aria-hidden="true">${[...displayName][0] ?? '?'}</span>`;
}

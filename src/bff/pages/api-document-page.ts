import type { ApiDocumentView, OperationView } from '../views.ts';
import { type Html, html } from './html.ts';
import { layout } from './layout.ts';
import { fill, TEXTS, type Texts } from './texts/texts.ts';

/** `GET /api`: the OpenAPI document for people. */
export function apiDocumentPage({ page, title, version, operations }: ApiDocumentView): string {
  const texts = TEXTS[page.language];
  const tags = [...new Set(operations.map(({ tag }) => tag))];
  const sections = tags.map(
    (tag) => html`<section class="section"><h2>${tag}</h2>
<div class="card">${operations.filter((operation) => operation.tag === tag).map((operation) => details(operation, texts))}</div></section>`,
  );
  const content = html`<div class="head">
<div><h1>${texts.api.title}</h1><p class="lead">${texts.api.lead}</p>
<p class="soft small">${title} · ${fill(texts.api.version, version)}</p></div>
<a class="button" href="/openapi.json">${texts.api.document}</a>
</div>
<div lang="en">${sections}</div>`;
  return layout({ page, title: texts.api.title, content, width: 'middle' });
}

function details(
  { method, path, summary, description, fields, responses }: OperationView,
  { api }: Texts,
): Html {
  const rows = fields.map(
    ({
      name,
      type,
      isRequired,
      description,
    }) => html`<tr><td><code>${name}</code>${isRequired && html` <span class="tag">${api.required}</span>`}</td>
<td><code>${type}</code></td><td>${description}</td></tr>`,
  );
  const answers = responses.map(
    ({ status, description }) => html`<tr><td><code>${status}</code></td><td>${description}</td></tr>`,
  );
  return html`<details class="operation">
<summary><code class="method">${method}</code><code>${path}</code><span class="soft">${summary}</span></summary>
<div class="body">
<p>${description}</p>
${fields.length > 0 && table(api.fields, [api.field, api.type, api.meaning], rows)}
${responses.length > 0 && table(api.answers, [api.status, api.meaning], answers)}
</div></details>`;
}

function table(title: string, columns: readonly string[], rows: readonly Html[]): Html {
  return html`<h3>${title}</h3><div class="table"><table>
<thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table></div>`;
}

import { createRequire } from 'node:module';
import type nunjucks from 'nunjucks';

/** What a page of the gateway shows. Everything is escaped. */
export interface AnswerPage {
  readonly status: number;
  readonly title: string;
  readonly text: string;
  readonly request: string;
  /** Addresses that may have been meant. */
  readonly near: readonly string[];
  /** What is known of the reason; empty: nothing is said of it. */
  readonly why: string;
}

const SOURCE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{ status }} {{ title }}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:20vh auto;padding:0 1rem;color:#222}h1{font-size:1.4rem}pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.85rem}
@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}a{color:#8bf}}</style></head>
<body><h1>{{ title }}</h1><p>{{ text }}</p>
{%- if near.length %}<p>Did you mean
{%- for path in near %} <a href="{{ path }}">{{ path }}</a>{{ "," if not loop.last else "?" }}{% endfor %}</p>{% endif -%}
{%- if why %}<pre>{{ why }}</pre>{% endif -%}
<p><small>{{ status }} · Mainspring{% if request %} · {{ request }}{% endif %}</small></p></body></html>
`;

/** Makes pages: the template engine is loaded for the first one, since most gateways answer nobody by a page for long, and compiles once. */
export class AnswerPages {
  #template: nunjucks.Template | undefined;

  render(page: AnswerPage): string {
    this.#template ??= compile();
    return this.#template.render(page);
  }
}

function compile(): nunjucks.Template {
  const { Environment, Template } = createRequire(import.meta.url)('nunjucks') as typeof nunjucks;
  return new Template(SOURCE, new Environment(null, { autoescape: true }), 'answer', true);
}

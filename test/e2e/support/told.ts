import { eventually } from './eventually.ts';
import type { Installation } from './installation.ts';
import type { Inventory } from './inventory.ts';
import { readSaid } from './nonce-app.ts';

/** What happens exactly once, whoever is killed meanwhile. */
const ONCE = /^(artifact\.built|environment\.(opened|ending|removed))$/;

/** The id of the newest line of the log. */
export async function newestLine(installation: Installation): Promise<number> {
  // Who was killed last may still be on the way back.
  const { audit } = await eventually(() => installation.status(), { what: 'a status' });
  return Number(audit.head.split(':')[0]);
}

/** Environments that were made and removed, and artifacts that were built, since a line of the log; in the order of their names. */
export async function toldSince(installation: Installation, line: number): Promise<string[]> {
  const lines = await eventually(() => installation.audit(), { what: 'the log' });
  const once = lines.filter(({ id, kind }) => id > line && ONCE.test(kind));
  return once.map(({ kind, env, detail }) => `${kind} ${kind === 'artifact.built' ? detail.artifact : env}`).sort();
}

/** What builds of an installation made: what says the same was built once. */
export class Builds {
  readonly #nonces = new Map<string, string>();

  /** Takes down what apps say now; gives those that were built again since. */
  async note(installation: Installation, paths: readonly string[]): Promise<string[]> {
    const answers = await Promise.all(paths.map((path) => installation.getAt(path)));
    return answers.flatMap(({ body }) => {
      const said = readSaid(body);
      if (said === null) return [];
      const known = this.#nonces.get(said.text);
      this.#nonces.set(said.text, known ?? said.nonce);
      return known === undefined || known === said.nonce ? [] : [`"${said.text}" was built again`];
    });
  }
}

/** An inventory without what each build makes anew. */
export function withoutNonces(inventory: Inventory): Inventory {
  return {
    ...inventory,
    rows: inventory.rows.map((line) => line.replace(/"digest":"sha256:[0-9a-f]+"/, '"digest":"SOME"')),
    folders: inventory.folders.map((line) => line.replace(/(\/nonce) [0-9a-f]+$/, '$1')),
    answers: inventory.answers.map((line) => line.replace(/"nonce":"[0-9a-f]+"/, '"nonce":"SOME"')),
  };
}

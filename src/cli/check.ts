import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { SpecBook } from '../model/spec.ts';
import { decodeSource } from '../starlark/config-tree.ts';
import { createEvaluator, type Inspection } from '../starlark/evaluator.ts';
import { appSummary, type ReportStyle, renderError } from './config-report.ts';
import { readFolder } from './read-folder.ts';
import { oneLine, painter } from './terminal.ts';

/** Where text goes. */
export interface TextSink {
  write(text: string): unknown;
}

/** What `mainspring check [DIR]` was asked for. */
export interface CheckOptions {
  readonly dir: string;
  readonly json: boolean;
  readonly colour: boolean;
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly specs: SpecBook;
  /** Default: `localhost`, and zones below it. */
  readonly domain?: string;
  readonly envDomain?: string;
  readonly statusHost?: string;
  readonly signal?: AbortSignal;
}

/** Evaluates a folder on its own and says what is wrong with it. Exit code 0: nothing; 1: something; 64: there is no such folder. */
export async function checkCommand(options: CheckOptions): Promise<number> {
  const folder = await stat(options.dir).catch(() => undefined);
  if (folder?.isDirectory() !== true) {
    options.stderr.write(`mainspring check: "${oneLine(options.dir)}" is not a folder\n`);
    return 64;
  }
  const found = await inspectFolder(options);
  for (const { file, line, text } of found.prints) options.stderr.write(`${file}:${line}: ${oneLine(text)}\n`);
  if (options.json) options.stdout.write(`${JSON.stringify(checkDocument(found), null, 2)}\n`);
  else report(found, options);
  return found.evaluation.ok ? 0 : 1;
}

async function inspectFolder({
  dir,
  specs,
  domain = 'localhost',
  envDomain,
  statusHost,
  signal,
}: CheckOptions): Promise<Inspection> {
  const hosts = {
    ...(envDomain === undefined ? {} : { envDomain }),
    ...(statusHost === undefined ? {} : { statusHost }),
  };
  const evaluator = createEvaluator({ specs, domain, ...hosts });
  try {
    return await evaluator.inspect(await readFolder(dir), signal ?? new AbortController().signal);
  } finally {
    await evaluator.close();
  }
}

function checkDocument({ evaluation, errors }: Inspection) {
  return { ok: evaluation.ok, errors, apps: evaluation.ok ? evaluation.declarations.apps.map(appSummary) : [] };
}

function report({ evaluation, errors, entries }: Inspection, options: CheckOptions): void {
  if (evaluation.ok) {
    const { apps } = evaluation.declarations;
    options.stdout.write(`ok: ${count(apps.length, 'app')} in ${count(entries, 'file')}\n`);
    for (const app of apps.filter(({ notInEffect }) => notInEffect.length > 0)) {
      options.stdout.write(`note: app "${app.id}": not in effect yet: ${app.notInEffect.join(', ')}\n`);
    }
    if (entries === 0) options.stdout.write('note: there is no config file: *.star at the top, or config/**/*.star\n');
    return;
  }
  const style: ReportStyle = { paint: painter(options.colour), lineOf: lineReader(options.dir) };
  for (const error of errors) options.stderr.write(`${renderError(error, style)}\n`);
  options.stderr.write(`${count(errors.length, 'error')} in ${count(entries, 'file')}\n`);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

/** Lines of files as they were just evaluated. Only files that errors name are read, each once. */
function lineReader(dir: string): ReportStyle['lineOf'] {
  const texts = new Map<string, readonly string[]>();
  return (file, line) => {
    const known = texts.get(file) ?? readLines(path.join(dir, file));
    texts.set(file, known);
    return known[line - 1];
  };
}

function readLines(file: string): readonly string[] {
  try {
    const decoded = decodeSource(readFileSync(file));
    return 'text' in decoded ? decoded.text.split('\n') : [];
  } catch {
    return [];
  }
}

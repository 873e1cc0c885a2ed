import { posix } from 'node:path';
import type { ContainerBuild } from '../../../model/container.ts';
import { MainspringError } from '../../../model/errors.ts';
import type { InstallationId } from '../../../model/ids.ts';
import type { SourceEntry, SourceTree } from '../../../model/source-tree.ts';
import type { BuildRequest } from '../../engine.ts';
import { exportSource } from '../../export-source.ts';
import { baseTag } from '../names.ts';
import type { BaseImage } from './base-images.ts';
import { bytesOf, SENT_CERTIFICATES, SENT_FILE } from './context.ts';
import { type ImageUse, parseDockerfile, rewriteDockerfile } from './dockerfile.ts';
import { folderTree } from './folder-tree.ts';

/** How the Containerfile is changed before it is sent. */
export interface SendChanges {
  readonly installation: InstallationId;
  /** Put on the images of every stage. */
  readonly labels: Readonly<Record<string, string>>;
  /** Certificates that every stage trusts; null: its own. */
  readonly certificates: string | null;
}

/** A source that is ready to be sent to a builder. */
export interface ReadySource {
  /** Null: there is none. */
  readonly tree: SourceTree | null;
  readonly ignore: string | null;
  readonly images: readonly ImageUse[];
  /** Files of our own to send, the Containerfile with its images pinned among them, and which it is. */
  files(
    bases: readonly BaseImage[],
    changes: SendChanges,
  ): { readonly files: Record<string, string>; readonly file: string };
}

type FromSource = Exclude<ContainerBuild, { readonly image: string }>;

/** The largest Containerfile that is read. */
const MOST_BYTES = 1024 ** 2;
const DEFAULT_FILES = ['Containerfile', 'Dockerfile'];

/** Opens the source, by way of a folder where it can't be read where it lies, and reads its Containerfile. */
export async function prepareSource(
  request: BuildRequest,
  build: FromSource,
  work: string,
  signal: AbortSignal,
): Promise<ReadySource> {
  const needsSource = request.exportTree !== null || build.containerfile === undefined;
  const tree = needsSource ? await openSource(request, work, signal) : null;
  const { name, text } = await readContainerfile(tree, build, signal);
  const parsed = parseDockerfile(text, build.args ?? {});
  return {
    tree,
    ignore: tree === null ? null : await readIgnore(tree, name, signal),
    images: parsed.uses,
    files: (bases, changes) => {
      const pinned = new Map<ImageUse, string>();
      for (const use of parsed.uses) {
        const base = bases.find(({ ref }) => ref === use.ref);
        if (base !== undefined) pinned.set(use, baseTag(changes.installation, base.id));
        // Without a front end of its own the line must not be there: the engine would look for it in the registry.
        else if (use.isSyntax) pinned.set(use, '');
      }
      const sent = withoutEmptySyntax(rewriteDockerfile(parsed, pinned, linesFor(changes)));
      const certificates = changes.certificates === null ? {} : { [SENT_CERTIFICATES]: changes.certificates };
      return { files: { [name]: sent, ...certificates }, file: name };
    },
  };
}

/** The source of a build, read where it lies, or by way of a folder that does not exist yet. */
export async function openSource(request: BuildRequest, work: string, signal: AbortSignal): Promise<SourceTree> {
  if (request.readTree != null) return request.readTree(signal);
  await exportSource(request, work, signal);
  return folderTree(work);
}

const TRUSTED = '/etc/ssl/mainspring-ca.pem';
const TRUSTING = [
  'SSL_CERT_FILE',
  'CURL_CA_BUNDLE',
  'REQUESTS_CA_BUNDLE',
  'PIP_CERT',
  'NODE_EXTRA_CA_CERTS',
  'GIT_SSL_CAINFO',
];

function linesFor({ labels, certificates }: SendChanges): string[] {
  const label = Object.entries(labels).map(([name, value]) => `LABEL ${name}=${JSON.stringify(value)}`);
  if (certificates === null) return label;
  const variables = TRUSTING.map((name) => `${name}=${TRUSTED}`).join(' ');
  return [...label, `COPY ${SENT_CERTIFICATES} ${TRUSTED}`, `ENV ${variables}`];
}

function withoutEmptySyntax(text: string): string {
  return text.replace(/^[ \t]*#[ \t]*syntax[ \t]*=[ \t]*$/im, '# (the front end of the engine)');
}

async function readContainerfile(
  tree: SourceTree | null,
  build: FromSource,
  signal: AbortSignal,
): Promise<{ name: string; text: string }> {
  if (build.containerfile !== undefined) return { name: SENT_FILE, text: build.containerfile };
  const names = build.file === undefined ? DEFAULT_FILES : [checkedPath(build.file)];
  for (const name of names) {
    const text = tree === null ? undefined : await readContainerfileAt(tree, name, signal);
    if (text !== undefined) return { name, text };
  }
  throw new MainspringError(
    'build-failed',
    `build: expected a file "${names.join('" or "')}" in the source, found none`,
    {
      hint: 'Add one, or name it: container_opts = {"file": "docker/Containerfile"}.',
    },
  );
}

async function readContainerfileAt(tree: SourceTree, name: string, signal: AbortSignal): Promise<string | undefined> {
  const found = tree.entries.find(({ path }) => path === name);
  const isFolder = tree.entries.some(({ path }) => path.startsWith(`${name}/`));
  if (found?.kind === 'symlink' || isFolder)
    throw new MainspringError('build-failed', `build: "${name}" is no file: expected one, not a link or a folder`);
  return found === undefined ? undefined : readText(tree, found, signal);
}

/** The text of the ignore file for a Containerfile: the one of its own name first, as BuildKit does. */
async function readIgnore(tree: SourceTree, file: string, signal: AbortSignal): Promise<string | null> {
  for (const name of [`${file}.dockerignore`, '.dockerignore']) {
    let found = tree.entries.find(({ path }) => path === name);
    if (found?.kind === 'symlink') {
      const target = posix.join(posix.dirname(name), await readText(tree, found, signal));
      found = tree.entries.find(({ path, kind }) => path === target && kind === 'file');
    }
    if (found !== undefined) return readText(tree, found, signal);
  }
  return null;
}

async function readText(tree: SourceTree, entry: SourceEntry, signal: AbortSignal): Promise<string> {
  if (entry.size > MOST_BYTES) throw new MainspringError('build-failed', `build: "${entry.path}" is larger than 1m`);
  let text = '';
  for await (const { content } of tree.read([entry], signal)) text = (await bytesOf(content)).toString('utf8');
  return text;
}

function checkedPath(path: string): string {
  const parts = path.split('/');
  if (!path.startsWith('/') && !parts.includes('..') && !parts.includes('') && !path.includes('\0')) return path;
  throw new MainspringError('build-failed', `build: "${path}" is no path below the source folder`);
}

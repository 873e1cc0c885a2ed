import { existsSync, lstatSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';

interface DebianPackage {
  readonly name: string;
  readonly isEssential: boolean;
  /** For each dependency the packages that would do, the first one first. */
  readonly needs: readonly (readonly string[])[];
  readonly provides: readonly string[];
}

const fields = ['Package', 'Essential', 'Pre-Depends', 'Depends', 'Provides', 'db:Status-Status'];
const leftOut = /^\/usr\/share\/(doc|man|info|locale|lintian|bash-completion|bug|doc-base|pixmaps|applications)\//;
const aliases = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/** The names in a dependency field, without versions and architectures. */
export function parseDependencies(field: string): string[][] {
  const clauses = field.split(',').filter((clause) => clause.trim() !== '');
  return clauses.map((clause) => clause.split('|').map((name) => name.trim().replace(/[\s:(].*$/, '')));
}

/** The packages that are installed on this Debian or Ubuntu machine; none where there is no dpkg. */
export async function readInstalled(): Promise<Map<string, DebianPackage>> {
  const format = `${fields.map((field) => `\${${field}}`).join('\t')}\n`;
  const { stdout, failed } = await execa('dpkg-query', ['-W', '-f', format], { reject: false });
  if (failed) return new Map();
  const rows = stdout.split('\n').map((line) => line.split('\t'));
  const installed = rows.filter((row) => row[5] === 'installed');
  return new Map(
    installed.map(([name = '', essential, pre = '', depends = '', provides = '']) => [
      name,
      {
        name,
        isEssential: essential === 'yes',
        needs: parseDependencies(`${pre},${depends}`),
        provides: parseDependencies(provides).flat(),
      },
    ]),
  );
}

/** The packages named, the essential ones, and all that these need, by name in order. */
export function closeOver(installed: ReadonlyMap<string, DebianPackage>, names: readonly string[]): string[] {
  const providers = new Map<string, string>();
  for (const { name, provides } of installed.values()) for (const virtual of provides) providers.set(virtual, name);
  const essential = [...installed.values()].filter(({ isEssential }) => isEssential).map(({ name }) => name);
  const found = new Set<string>();
  const queue = [...essential, ...names];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const entry = installed.get(name) ?? installed.get(providers.get(name) ?? '');
    if (entry === undefined || found.has(entry.name)) continue;
    found.add(entry.name);
    const chosen = entry.needs.map((choices) =>
      choices.find((choice) => installed.has(choice) || providers.has(choice)),
    );
    queue.push(...chosen.filter((choice) => choice !== undefined));
  }
  return [...found].sort();
}

/** The packages that own the shared libraries which these programs and libraries load. */
export async function ownersOfLibraries(files: readonly string[]): Promise<string[]> {
  const { stdout } = await execa('ldd', [...files], { reject: false });
  const libraries = [...stdout.matchAll(/=> (\/\S+)/g)].map(([, path = '']) => path);
  const paths = new Set(libraries.flatMap((path) => [path, join(realpathSync(dirname(path)), basename(path))]));
  const owners = await execa('dpkg-query', ['-S', ...paths], { reject: false });
  return [...new Set([...owners.stdout.matchAll(/^([^:\s]+)(?::\S+)?: /gm)].map(([, name = '']) => name))];
}

/** What no package says, because its set-up made it. Never what only root may read. */
function madeBySetUp(): string[] {
  const folders = ['/etc/ssl/certs', '/usr/local/share/ca-certificates', '/etc/pam.d'];
  return ['/etc/ssl', ...folders.flatMap((folder) => [folder, ...listFolder(folder)])];
}

/** The links by which Debian's alternatives lead to one of these files, as both are: `mvn` → alternatives → Maven. */
function alternativesTo(files: ReadonlySet<string>): string[] {
  const paths = ['/usr/bin', '/usr/sbin'].flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  const links = paths.filter(isAlternative);
  const chosen = links.filter((link) => files.has(realPathOrNone(link)));
  return chosen.flatMap((link) => [link, readlinkSync(link)]);
}

function isAlternative(path: string): boolean {
  return lstatSync(path).isSymbolicLink() && readlinkSync(path).startsWith('/etc/alternatives/');
}

function realPathOrNone(path: string): string {
  return existsSync(path) ? realpathSync(path) : '';
}

/** The files of packages as paths from the root of the machine, each once, by its real place. */
export async function filesOfPackages(names: readonly string[]): Promise<string[]> {
  const { stdout } = await execa('dpkg-query', ['-L', ...names], { maxBuffer: 256 * 1024 * 1024 });
  const listed = stdout.split('\n').filter((path) => path.startsWith('/') && !leftOut.test(path));
  const places = [...listed, ...madeBySetUp(), ...aliases].map(realPlace).filter((path) => path !== undefined);
  const files = new Set(places);
  return [...new Set([...files, ...alternativesTo(files)])].filter((path) => path !== '/').sort();
}

// A merged /usr has /bin/sh at /usr/bin/sh: both names in one archive would be one too many.
function realPlace(path: string): string | undefined {
  const info = lstatSync(path, { throwIfNoEntry: false });
  if (info === undefined || path === '/.') return undefined;
  return join(realpathSync(dirname(path)), basename(path));
}

function listFolder(folder: string): string[] {
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
}

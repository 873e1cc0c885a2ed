import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ExportTree, ReadTree } from '../../src/runtime/engine.ts';

/** A folder for one test, gone after it. */
export async function tempFolder(t: TestContext): Promise<string> {
  const folder = await makeTempFolder();
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** A folder that the caller removes. Other users may enter it, as apps run as users of their own when we are root. */
export async function makeTempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mainspring-test-'));
  await chmod(folder, 0o755);
  return folder;
}

/** Exports these files. Like the real one it makes the folder itself and fails if it is there. */
export function exporting(files: Readonly<Record<string, string>>): ExportTree {
  return async (into) => {
    await mkdir(into);
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(into, path)), { recursive: true });
      await writeFile(join(into, path), text, { mode: path.endsWith('.sh') ? 0o755 : 0o644 });
    }
  };
}

/** Gives these files to be read where they lie. A function is what happens when one is read. */
export function reading(files: Readonly<Record<string, string | (() => never)>>): ReadTree {
  const entries = Object.entries(files).map(([path, text]) => ({
    path,
    kind: 'file' as const,
    mode: path.endsWith('.sh') ? 0o755 : 0o644,
    size: typeof text === 'string' ? Buffer.byteLength(text) : 1,
  }));
  return async () => ({
    entries,
    read: async function* (wanted) {
      for (const entry of wanted) {
        const text = files[entry.path] ?? '';
        yield { entry, content: Buffer.from(typeof text === 'string' ? text : text()) };
      }
    },
  });
}

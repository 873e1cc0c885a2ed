import { checkCommand } from '../../src/cli/check.ts';
import { readBuiltinSpecs } from '../../src/specs/builtin-specs.ts';

/** Runs `mainspring check DIR` in this process and takes what it writes. */
export async function checkFolder(dir: string, options: { readonly json?: boolean; readonly colour?: boolean } = {}) {
  const written = { stdout: '', stderr: '' };
  const sink = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  const { json = false, colour = false } = options;
  const code = await checkCommand({
    dir,
    json,
    colour,
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    specs: readBuiltinSpecs(),
  });
  return { code, ...written };
}

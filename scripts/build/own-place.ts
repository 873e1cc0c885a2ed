import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Plugin } from 'esbuild';

const named = /\bimport\.meta\.(url|dirname|filename)\b/g;

/**
 * Code asks `import.meta` where it lies, to find what lies beside it: migrations, templates, workers. Several files become one, so each is
 * given the place that it has in the checkout, below the folder that is built into. All that comes of it must lie one folder deep.
 */
export function ownPlaces(root: string): Plugin {
  return {
    name: 'own places',
    setup(build) {
      build.onLoad({ filter: /\.ts$/, namespace: 'file' }, ({ path }) => {
        const code = readFileSync(path, 'utf8');
        const place = relative(root, path);
        if (code.search(named) === -1 || place.startsWith('node_modules')) return undefined;
        return { loader: 'ts', contents: withOwnPlace(code, place) };
      });
    },
  };
}

/** The code of a module with the place that it would have, compiled on its own, from one that lies one folder below the root. */
export function withOwnPlace(code: string, place: string): string {
  const url = JSON.stringify(`../${place.replaceAll('\\', '/').replace(/\.ts$/, '.js')}`);
  const lines = [
    "import { fileURLToPath as toOwnPath } from 'node:url';",
    `const ownUrl = new URL(${url}, import.meta.url);`,
    "const ownPlace = { url: ownUrl.href, filename: toOwnPath(ownUrl), dirname: toOwnPath(new URL('.', ownUrl)).slice(0, -1) };",
  ];
  return `${lines.join('\n')}\n${code.replaceAll(named, (_, what) => `ownPlace.${what}`)}`;
}

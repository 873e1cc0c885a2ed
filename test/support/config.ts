import type { TestContext } from 'node:test';
import type { Value } from 'starlark-wasm';
import { readBuiltinSpecs } from '../../src/specs/builtin-specs.ts';
import type { CollectedCall } from '../../src/starlark/collected.ts';
import type { ConfigTree } from '../../src/starlark/config-tree.ts';
import { createEvaluator, type Evaluator, type EvaluatorOptions } from '../../src/starlark/evaluator.ts';

/** Files by path: texts, or bytes. */
export type TreeFiles = Readonly<Record<string, string | Uint8Array>>;

/** A config tree in memory that counts how many files were read. Equal content has equal oids. */
export function treeOf(files: TreeFiles): ConfigTree & { readonly reads: string[] } {
  const contents = new Map(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)]));
  const byOid = new Map([...contents.values()].map((content) => [content.toString('base64'), content]));
  const reads: string[] = [];
  return {
    reads,
    files: [...contents].map(([path, content]) => ({
      path,
      mode: '100644',
      oid: content.toString('base64'),
      size: content.length,
    })),
    read: async (oids) => {
      reads.push(...oids);
      return oids.map((oid) => byOid.get(oid) ?? Buffer.alloc(0));
    },
  };
}

/** An evaluator for this test, closed at its end. */
export function testEvaluator(t: Pick<TestContext, 'after'>, options: Partial<EvaluatorOptions> = {}): Evaluator {
  const evaluator = createEvaluator({ specs: readBuiltinSpecs(), domain: 'example.com', ...options });
  t.after(() => evaluator.close());
  return evaluator;
}

/** A signal that never aborts. */
export const never = new AbortController().signal;

/** An `app()` call as the evaluator hands it out, with every argument on a line of its own, in order: path on line 1. */
export function appCall(args: Readonly<Record<string, Value>>, builtin = 'app'): CollectedCall {
  const file = 'apps.star';
  return {
    builtin,
    args,
    at: { file, line: 1, column: 1 },
    argumentSpots: Object.fromEntries(Object.keys(args).map((name, index) => [name, [index + 1, 5] as const])),
    trail: '',
    problems: [],
  };
}

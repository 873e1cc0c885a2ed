// Writes what the manifests of config/specs/ say into docs/specs.md, between its markers: `node scripts/specs-docs.ts`.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readBuiltinSpecs } from '../src/specs/builtin-specs.ts';
import { withSpecFacts } from './suite/specs-docs.ts';

const file = fileURLToPath(new URL('../docs/specs.md', import.meta.url));
writeFileSync(file, withSpecFacts(readFileSync(file, 'utf8'), readBuiltinSpecs()));

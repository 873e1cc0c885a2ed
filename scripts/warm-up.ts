// Loads the code of every role and ends: run by the set-up with a compile cache, which Node writes at the end.
import '../src/roles/controller.ts';
import '../src/roles/gateway.ts';
import '../src/roles/serve.ts';

process.argv.splice(2, Number.POSITIVE_INFINITY, '--version');
await import('../src/main.ts');

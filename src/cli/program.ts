import { Command, CommanderError, Option } from 'commander';
import { isAbort, MainspringError, problemOf } from '../model/errors.ts';
import { EXIT, exitCodeOf } from './exit-code.ts';
import { configOption, jsonOption, parseCommit, parseCount, parseDuration, parseHead, readingFrom } from './options.ts';
import type { CommandContext } from './read-commands.ts';
import { errorText, painter, write } from './terminal.ts';

/** What runs a command's action and keeps its exit code. */
type Run = (work: (context: CommandContext) => Promise<number>) => Promise<void>;

/** Runs the program on its arguments (without node and script) and gives the exit code. Never throws. */
export async function runCli(args: readonly string[], context: CommandContext): Promise<number> {
  let exitCode: number = EXIT.fine;
  const program = buildProgram(context, async (work) => {
    exitCode = await work(context);
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.usage;
    if (context.io.signal.aborted && isAbort(error)) return EXIT.failed;
    const problem = problemOf(error);
    const paint = painter(context.io.errorColour);
    await write(context.io.stderr, errorText(problem, paint));
    // What nobody foresaw is a fault of the program: say where it happened.
    if (!(error instanceof MainspringError) && error instanceof Error && error.stack !== undefined) {
      await write(context.io.stderr, `${paint('dim', error.stack)}\n`);
    }
    return exitCodeOf(problem.code);
  }
}

/** Every command with its options and help. Building loads none of what the commands need. */
export function buildProgram(context: CommandContext, run: Run): Command {
  const { io, ports } = context;
  const program = new Command('mainspring')
    .description("What's on main is what runs: a GitOps platform for a team's internal web apps.")
    .version(ports.version, '--version', 'print version and commit')
    .helpOption('-h, --help', 'say how it is used')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, writeError) => writeError(usageText(text, io.errorColour)),
      getOutHasColors: () => io.colour,
      getErrHasColors: () => io.errorColour,
    });
  program.helpCommand(false);
  addLocalCommands(program, run);
  addReadingCommands(program, run);
  addAsking(program, run);
  addAudit(program, run);
  program.addHelpText(
    'after',
    examples('mainspring init https://git.example.com/acme/config.git', 'mainspring serve', 'mainspring status') +
      '\nExit codes: 0 fine, 1 failed, 2 changes (plan --check), 3 timed out, 64 usage.\n',
  );
  return program;
}

function addLocalCommands(program: Command, run: Run): void {
  program
    .command('init')
    .description('write mainspring.toml and the data folder; nothing that is there is overwritten')
    .argument('<repo>', 'the config repo: a URL, or the path of a repo on this machine')
    .option('--dir <dir>', 'the folder to write to', '.')
    .option('--domain <domain>', 'where apps are reached', 'localhost')
    .option('--listen <address>', 'address and port to listen on', '127.0.0.1:8080')
    .addHelpText(
      'after',
      examples(
        'mainspring init ../config.git',
        'mainspring init git@git.example.com:acme/config.git --dir /srv/mainspring --domain apps.example.com --listen 0.0.0.0:80',
      ),
    )
    .action((repo, options) =>
      run(async ({ io, ports }) => {
        const { initCommand } = await import('./init.ts');
        return await initCommand({ ...options, repo }, { io, createStore: ports.createStore });
      }),
    );
  program
    .command('serve')
    .description(
      'run: supervisor, controller and gateways, in the foreground; SIGTERM drains and stops, SIGHUP reads the settings again, SIGUSR2 leaves the gateways serving for the next start',
    )
    .addOption(configOption())
    .addHelpText('after', examples('mainspring serve --config /srv/mainspring/mainspring.toml'))
    .action((options) => run(({ io, ports }) => ports.serve(options, io)));
  program
    .command('check')
    .description('evaluate the files of a config tree; needs no settings and no daemon')
    .argument('[dir]', 'the root of the tree', '.')
    .addOption(jsonOption())
    .addHelpText('after', examples('mainspring check', 'mainspring check ../config --json'))
    .action((dir, options) => run(({ io, ports }) => ports.check({ dir, json: options.json === true }, io)));
  program
    .command('doctor')
    .description('look at git, engines, ports, disk, clock, permissions: what is missing and what to do')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('mainspring doctor'))
    .action((options) =>
      run(async ({ io, ports }) => {
        const { doctorCommand } = await import('./doctor.ts');
        return await doctorCommand(options, { io, ...ports });
      }),
    );
  program
    .command('demo')
    .description('the guided tour, with a config repo and apps of its own')
    .option('--auto', 'play push, preview, merge and revert by itself and print how long each took')
    .addHelpText('after', examples('mainspring demo', 'mainspring demo --auto'))
    .action((options) => run(({ io, ports }) => ports.demo({ auto: options.auto === true }, io)));
}

function addReadingCommands(program: Command, run: Run): void {
  readingFrom(program.command('plan'))
    .description(
      'what would change in prod, and in stage before it, if REF were merged now, or the files in DIR were main',
    )
    .addOption(
      new Option(
        '--ref <ref>',
        'a branch of the config repo, of repos that apps come from, or of both; or a commit of the config repo',
      ).conflicts('dir'),
    )
    .addOption(new Option('--dir <dir>', 'a folder with the files').conflicts(['ref', 'url']))
    .addOption(jsonOption().conflicts('markdown'))
    .option('--markdown', 'print Markdown, for a comment on a pull request')
    .option('--check', 'exit with 2 if anything would change')
    .addHelpText(
      'after',
      examples('mainspring plan --dir .', 'mainspring plan --ref feature-x --markdown', 'mainspring plan --check'),
    )
    .action((options) => run(async (context) => (await import('./read-commands.ts')).planCommand(options, context)));
  readingFrom(program.command('status'))
    .description('what runs, and what is on its way')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples('mainspring status', 'mainspring status --json --url http://mainspring.localhost:8080'),
    )
    .action((options) => run(async (context) => (await import('./read-commands.ts')).statusCommand(options, context)));
  readingFrom(program.command('logs'))
    .description('what an app prints')
    .argument('<app>', 'its route as declared, or its id')
    .option('--env <env>', 'the environment', 'prod')
    .option('--build', 'what its build printed instead')
    .option('-f, --follow', 'go on with what comes')
    .addOption(new Option('--tail <lines>', 'how many of the last lines').default(200).argParser(parseCount))
    .addHelpText(
      'after',
      examples(
        'mainspring logs /tools/sales',
        'mainspring logs /tools/sales -f',
        'mainspring logs /tools/sales --env feature-x',
        'mainspring logs /tools/sales --build',
      ),
    )
    .action((app, options) =>
      run(async (context) => (await import('./read-commands.ts')).logsCommand(app, options, context)),
    );
}

function addAsking(program: Command, run: Run): void {
  readingFrom(program.command('explain'))
    .description('why an app is as it is: from which commit, by which way, what is next and what it waits for')
    .argument('<app>', 'its route as declared, or its id')
    .option('--env <env>', 'only in this environment')
    .addOption(jsonOption())
    .addHelpText('after', examples('mainspring explain /tools/sales', 'mainspring explain /tools/sales --env stage'))
    .action((app, options) =>
      run(async (context) => (await import('./read-commands.ts')).explainCommand(app, options, context)),
    );
  readingFrom(program.command('wait'))
    .description(
      'wait until a commit is settled: 0 live everywhere, 1 held, quarantined, rejected or not deployed, 3 timed out',
    )
    .addOption(
      new Option(
        '--commit <sha>',
        "of the config repo or of a source, on any branch (default: the branch's tip, listed now)",
      ).argParser(parseCommit),
    )
    .option(
      '--env <env>',
      'only this environment (default: prod and stage, or the preview of the branch that it is on)',
    )
    .addOption(new Option('--timeout <duration>', 'how long').default(600_000, '10m').argParser(parseDuration))
    .addHelpText(
      'after',
      examples(
        'git push && mainspring wait',
        'mainspring wait --commit "$(git rev-parse HEAD)" --timeout 5m',
        'mainspring wait --env feature-x',
      ),
    )
    .action((options) => run(async (context) => (await import('./read-commands.ts')).waitCommand(options, context)));
}

function addAudit(program: Command, run: Run): void {
  const audit = readingFrom(program.command('audit'))
    .description('the log: what happened, and which commit caused it; oldest first')
    .enablePositionalOptions()
    .addOption(jsonOption())
    .option('--app <app>', 'only of this app')
    .option('--env <env>', 'only of this environment')
    .option('--since <time>', 'only from then on: "2h" ago, or "2026-01-31T12:00Z"')
    .addHelpText(
      'after',
      examples('mainspring audit --since 1d', 'mainspring audit --app /tools/sales --json', 'mainspring audit verify'),
    )
    .action((options) => run(async (context) => (await import('./read-commands.ts')).auditCommand(options, context)));
  readingFrom(audit.command('verify'))
    .description('check the chain of the log; exits with 1 and names the first bad line')
    .addOption(
      new Option('--head <id:hash>', 'a head that was kept elsewhere, so that a cut tail shows').argParser(parseHead),
    )
    .addHelpText('after', examples('mainspring audit verify', 'mainspring audit verify --head "$(cat kept-head)"'))
    .action((options) => run(async (context) => (await import('./read-commands.ts')).verifyCommand(options, context)));
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

/** Commander's words in the house form. */
function usageText(text: string, isColoured: boolean): string {
  const [message = '', ...rest] = text
    .replace(/^error: /, '')
    .trimEnd()
    .split('\n');
  const hint = rest.join(' ').replace(/^\((.*)\)$/, '$1');
  return errorText({ code: 'usage', message, hint: hint === '' ? null : hint }, painter(isColoured));
}

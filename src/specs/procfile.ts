/** A Procfile: command by process type, in the order of the file. */
export type Procfile = ReadonlyMap<string, string>;

/** What is wrong with a Procfile, with the line counted from 1 (null: the file as a whole). */
export interface ProcfileFault {
  readonly line: number | null;
  readonly message: string;
}

const LINE = /^([A-Za-z0-9_-]+):[ \t]*(.*)$/;

/** Parses a Procfile as Heroku writes it: one `type: command` a line; empty lines and lines that start with `#` are skipped. */
export function parseProcfile(text: string): Procfile | ProcfileFault {
  const commands = new Map<string, string>();
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [, type, command] = LINE.exec(line) ?? [];
    const fault = lineFault(commands, type, command);
    if (fault !== undefined) return { line: index + 1, message: fault };
    if (type !== undefined && command !== undefined) commands.set(type, command);
  }
  return commands;
}

/** The command of the `web` process: the only one that is used. */
export function webCommand(text: string): { readonly command: string } | ProcfileFault {
  const parsed = parseProcfile(text);
  if ('message' in parsed) return parsed;
  const command = parsed.get('web');
  if (command !== undefined) return { command };
  const others = [...parsed.keys()].map((type) => `"${type}"`).join(', ');
  return {
    line: null,
    message: `expected a line "web: command", found ${others === '' ? 'no process at all' : `only ${others}`}`,
  };
}

/** A fault as one line for people: `Procfile:3: …`. */
export function formatProcfileFault(fault: ProcfileFault): string {
  return fault.line === null ? `Procfile: ${fault.message}` : `Procfile:${fault.line}: ${fault.message}`;
}

function lineFault(commands: Procfile, type: string | undefined, command: string | undefined): string | undefined {
  if (type === undefined) return 'expected "type: command", such as "web: node server.js"';
  if (command === undefined || command === '') return `expected a command after "${type}:"`;
  if (command.includes('\0')) return 'a command holds no NUL character';
  if (commands.has(type)) return `"${type}" is there twice`;
  return undefined;
}

/**
 * The line that the shell runs for a command. A plain command replaces the shell (`exec`), so that signals reach it and its
 * exit status is seen as it is; leading assignments go through `env`; what needs a shell (`&&`, pipes, redirections …) keeps one.
 */
export function shellLine(command: string): string {
  if (/[;&|<>()`\n]/.test(command)) return command;
  if (/^[A-Za-z_][A-Za-z0-9_]*=/.test(command)) return `exec env ${command}`;
  return /^(?:exec|cd|export|set|if|for|while|until|case|\{|!|\.|source)(?:\s|$)/.test(command)
    ? command
    : `exec ${command}`;
}

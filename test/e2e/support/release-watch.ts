import { Agent, request } from 'node:http';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import type { Installation } from './installation.ts';
import { readSaid } from './nonce-app.ts';
import { hostOf } from './team.ts';

/** Apps that switch as one in each of these environments. */
export interface Together {
  readonly envs: readonly string[];
  readonly apps: readonly string[];
}

/** What a watch saw from its start to its end. */
export interface SeenReleases {
  /** How often it read the route table, and how often it asked all apps over one connection with nothing switching meanwhile. */
  readonly looks: number;
  readonly rounds: number;
  /** What there never is where all switch as one. */
  readonly splits: readonly string[];
}

/** What these apps are now, by the route table and by what they answer: one line each for every environment. */
export async function combinations(installation: Installation, { envs, apps }: Together): Promise<string[]> {
  const answered = await Promise.all(envs.map((env) => askAll(installation.port, env, apps)));
  const db = openTable(installation);
  try {
    return [...tableLines(db, { envs, apps }), ...answered.filter((line) => line !== null)];
  } finally {
    db.close();
  }
}

/** Looks again and again whether these apps are as they never are at rest: some on a new revision while others are on an old one. */
export function startReleaseWatch(
  t: TestContext,
  installation: Installation,
  { together, legal }: { readonly together: Together; readonly legal: ReadonlySet<string> },
): { stop(): Promise<SeenReleases> } {
  const seen = { looks: 0, rounds: 0, splits: [] as string[] };
  let isOver = false;
  const judge = (lines: readonly string[]) => seen.splits.push(...lines.filter((line) => !legal.has(line)));
  const readTable = async () => {
    const db = openTable(installation);
    try {
      while (!isOver) {
        judge(tableLines(db, together));
        seen.looks += 1;
        await delay(15);
      }
    } finally {
      db.close();
    }
  };
  const ask = async (env: string) => {
    while (!isOver) {
      const line = await askAll(installation.port, env, together.apps);
      if (line !== null) seen.rounds += 1;
      judge(line === null ? [] : [line]);
      await delay(60);
    }
  };
  const loops = Promise.all(together.apps.length === 0 ? [] : [readTable(), ...together.envs.map(ask)]);
  const stop = async () => {
    isOver = true;
    await loops;
    return seen;
  };
  t.after(stop);
  return { stop };
}

function openTable({ data }: Installation): Database.Database {
  return new Database(join(data, 'mainspring.db'), { readonly: true });
}

/** One query sees the table as it was at one moment. Keys of artifacts are the same in every installation. */
function tableLines(db: Database.Database, { envs, apps }: Together): string[] {
  const rows = db.prepare(ROUTES).all() as { env: string; app: string; artifact: string | null }[];
  return envs.map((env) => {
    const runs = (app: string) => rows.find((row) => row.env === env && row.app === app)?.artifact ?? 'nothing';
    return `table ${env}: ${apps.map((app) => `${app} ${runs(app)}`).join(', ')}`;
  });
}

const ROUTES = `SELECT routes.env, routes.app, json_extract(instances.target, '$.artifact') AS artifact FROM routes
  LEFT JOIN instances ON instances.id = json_extract(routes.serve, '$.instance')`;

/**
 * Asks all of them one after the other over one connection, which never goes back to an older table, and the first once more. Null where
 * that one differs by then, as a switch came in between, and where anybody had no answer of its own.
 */
async function askAll(port: number, env: string, apps: readonly string[]): Promise<string | null> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const said: string[] = [];
    for (const app of [...apps, apps[0] ?? '']) {
      const answer = await askOver(agent, { port, path: `${app}/`, host: hostOf(env), isFirst: said.length === 0 });
      if (answer === null) return null;
      said.push(answer);
    }
    const last = said.pop();
    return said[0] === last ? `answers ${env}: ${apps.map((app, place) => `${app} ${said[place]}`).join(', ')}` : null;
  } finally {
    agent.destroy();
  }
}

interface Question {
  readonly port: number;
  readonly path: string;
  readonly host: string;
  readonly isFirst: boolean;
}

/** What an app says, or that there is none; null if it could not be asked over the connection of the first question. */
function askOver(agent: Agent, { port, path, host, isFirst }: Question): Promise<string | null> {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path, agent, headers: { host }, timeout: 20_000 });
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', () => resolve(null));
    asked.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('error', () => resolve(null));
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        const { statusCode = 0 } = response;
        const isAnswer = (statusCode === 200 || statusCode === 404) && (isFirst || asked.reusedSocket);
        resolve(isAnswer ? (statusCode === 404 ? 'nothing' : (readSaid(body)?.text ?? body.trim())) : null);
      });
    });
    asked.end();
  });
}

import { BrokenExchange, HttpConnection } from './http-connection.ts';
import { type Lane, rest, versionIn } from './lane.ts';

const HOST = 'Host: localhost\r\n';

/** Asks one app after the other on one connection for as long as it is kept, then on the next. */
export async function keepAliveLane({ plan, ledger, over }: Lane): Promise<void> {
  const paths = [plan.server, ...plan.pages];
  let turn = Math.floor(Math.random() * paths.length);
  while (!over.aborted) {
    const connection = await open('keep-alive', { plan, ledger, over });
    if (connection === undefined) continue;
    const seen = new Map<string, number>();
    for (let isKept = true; isKept && !over.aborted; turn += 1) {
      if (connection.isClosed) break;
      const app = paths[turn % paths.length] ?? '';
      isKept = await askOnce({ plan, ledger, over }, { kind: 'keep-alive', connection, app, seen });
      if (isKept) await rest(Math.random() * plan.restMs, over);
    }
    ledger.tally('keep-alive').closedBetween += 1;
    connection.close();
  }
}

/** Asks once on each connection. */
export async function oneShotLane(lane: Lane): Promise<void> {
  const { plan, over } = lane;
  const paths = [plan.server, ...plan.pages];
  for (let turn = Math.floor(Math.random() * paths.length); !over.aborted; turn += 1) {
    const connection = await open('one-shot', lane);
    if (connection === undefined) continue;
    const app = paths[turn % paths.length] ?? '';
    await askOnce(lane, { kind: 'one-shot', connection, app, seen: new Map() });
    connection.close();
    await rest(Math.random() * plan.restMs, over);
  }
}

interface Asked {
  readonly kind: 'keep-alive' | 'one-shot';
  readonly connection: HttpConnection;
  readonly app: string;
  readonly seen: Map<string, number>;
}

/** Whether the connection may be asked again. */
async function askOnce({ ledger }: Lane, { kind, connection, app, seen }: Asked): Promise<boolean> {
  const began = performance.now();
  connection.write(`GET ${app}/ HTTP/1.1\r\n${HOST}${kind === 'one-shot' ? 'Connection: close\r\n' : ''}\r\n`);
  try {
    const { status, body, keepsAlive } = await connection.reply();
    const version = versionIn(body);
    if (status !== 200 || version === undefined)
      throw new BrokenExchange(`answered ${status} ${body.toString().slice(0, 100)}`);
    ledger.done(kind, performance.now() - began);
    ledger.sight(seen, app, version);
    return keepsAlive;
  } catch (error) {
    const { localPort, openedAt } = connection;
    ledger.failed({ kind, localPort, openedAt, why: `${app}: ${(error as Error).message}` });
    return false;
  }
}

async function open(
  kind: 'keep-alive' | 'one-shot',
  { plan, ledger, over }: Lane,
): Promise<HttpConnection | undefined> {
  ledger.tally(kind).connections += 1;
  try {
    return await HttpConnection.open(plan.port);
  } catch (error) {
    ledger.failed({ kind, localPort: 0, openedAt: Date.now(), why: (error as Error).message });
    await rest(10, over);
    return undefined;
  }
}

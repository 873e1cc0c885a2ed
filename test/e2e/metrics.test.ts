import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseExposition } from '../support/prometheus.ts';
import { staticApp } from './support/apps.ts';
import { eventually } from './support/eventually.ts';
import { Installation } from './support/installation.ts';
import { killHard } from './support/process-scan.ts';

test('/metrics sums what the gateways count, through the death of one of them and the end of an app', async (t) => {
  const files = { ...staticApp('home', 'home/'), ...staticApp('other', 'other/') };
  const declared = { 'apps.star': 'app("/home", "./home")\napp("/other", "./other")\n' };
  const installation = await Installation.create(t, { ...declared, ...files }, { gateways: 2 });
  await installation.serve();
  await installation.settled({ config: (await installation.config.git('rev-parse', 'HEAD')) as string });
  const metrics = async () => {
    const { status, body } = await installation.get('/metrics', 'mainspring.localhost');
    assert.equal(status, 200);
    return parseExposition(body).values;
  };
  const requests = (values: ReadonlyMap<string, number>, app: string, code = '2xx') =>
    values.get(`mainspring_gateway_requests_total{app=${JSON.stringify(app)},code="${code}",env="prod"}`) ?? 0;
  const ask = async (path: string, times: number) => {
    for (let at = 0; at < times; at += 1) await installation.get(path);
  };
  // What the product itself may have asked of the apps before.
  const before = await metrics();
  await ask('/home/', 30);
  await ask('/home/none', 4);
  await ask('/other/', 5);
  await ask('/nowhere/', 3);
  const counted = await eventually(
    async () => {
      const values = await metrics();
      return requests(values, '/home') - requests(before, '/home') === 30 ? values : undefined;
    },
    { what: 'all counted' },
  );
  assert.equal(requests(counted, '/home', '4xx') - requests(before, '/home', '4xx'), 4);
  assert.equal(requests(counted, '/other') - requests(before, '/other'), 5);
  const generations = [...counted].filter(([name]) => name.startsWith('mainspring_gateway_table_generation'));
  assert.equal(generations.length, 2, 'two gateways');
  const count = counted.get('mainspring_gateway_request_duration_seconds_count{app="/home",env="prod"}') ?? 0;
  assert.equal(
    count,
    requests(counted, '/home') + requests(counted, '/home', '4xx') + requests(counted, '/home', '3xx'),
  );

  const folder = join(installation.data, 'run/gateways');
  const [file = ''] = readdirSync(folder).filter((name) => name.endsWith('.json'));
  const { pid } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { pid: number };
  await killHard(pid);
  const isOf = (name: string) => name.startsWith('mainspring_gateway_table_generation');
  const after = await eventually(
    async () => {
      const values = await metrics();
      const others = [...values.keys()].filter((name) => isOf(name) && !name.includes(`"${pid}"`));
      return others.length === 2 ? values : undefined;
    },
    { what: 'two gateways again' },
  );
  assert.ok(requests(after, '/home') >= requests(counted, '/home'));
  assert.equal(after.has(`mainspring_gateway_table_generation{pid="${pid}"}`), false);

  await installation.push('config', { 'apps.star': 'app("/home", "./home")\n' });
  await eventually(
    async () => {
      const names = [...(await metrics()).keys()];
      return names.some((name) => name.includes('app="/other",') && name.includes('env="prod"')) ? undefined : true;
    },
    { what: 'the series of the removed app are gone' },
  );
});

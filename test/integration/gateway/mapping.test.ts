import assert from 'node:assert/strict';
import { test } from 'node:test';
import { httpUpstream, startTestGateway } from './testbed.ts';

test('cookies and Refresh of an app fit the address that its client sees', async (t) => {
  const bed = await startTestGateway(t);
  const app = await httpUpstream(t, (_request, response) => {
    response.setHeader('Set-Cookie', ['a=1; Path=/', 'b=2; Path=/tools/sales/x', '__Host-c=3; Path=/; Secure']);
    response.setHeader('Refresh', '5; url=/next').end('page');
  });
  await bed.route('apps.localhost/tools/sales', app);
  const seen = async () => {
    const { headers } = await bed.fetch('apps.localhost/tools/sales/');
    return [headers.getSetCookie(), headers.get('refresh')];
  };
  assert.deepEqual(await seen(), [
    ['a=1; Path=/tools/sales', 'b=2; Path=/tools/sales/x', '__Host-c=3; Path=/; Secure'],
    '5; url=/tools/sales/next',
  ]);
  await bed.route('apps.localhost/tools/sales', app, { stripPath: false });
  assert.deepEqual(await seen(), [
    ['a=1; Path=/', 'b=2; Path=/tools/sales/x', '__Host-c=3; Path=/; Secure'],
    '5; url=/next',
  ]);
});

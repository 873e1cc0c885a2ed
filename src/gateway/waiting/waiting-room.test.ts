import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type AppId, PROD } from '../../model/ids.ts';
import type { RouteRow } from '../../model/routing.ts';
import { type HoldLimits, WaitingRoom } from './waiting-room.ts';

test('who waits is told once when its place has another row, in the order of coming, and others wait on', (t) => {
  const { room, enter, told } = open(t);
  for (const [name, path] of [
    ['one', '/'],
    ['two', '/'],
    ['other', '/x'],
  ] as const)
    enter(name, path);
  room.rowsApplied([row('/y'), row('/'), row('/')]);
  assert.deepEqual([told, room.size], [['row one', 'row two'], 1]);
  room.rowsApplied([row('/')]);
  t.mock.timers.tick(999);
  assert.deepEqual(told, ['row one', 'row two']);
});

test('a place is one host and one path', (t) => {
  const { room, enter, told } = open(t);
  enter('one', '/a');
  room.rowsApplied([{ ...row('/a'), host: 'i' }, row('/a/b'), row('/')]);
  assert.deepEqual(told, []);
});

test('whose time is over is refused, once', (t) => {
  const { room, enter, told } = open(t);
  enter('one');
  t.mock.timers.tick(999);
  assert.deepEqual(told, []);
  t.mock.timers.tick(1);
  room.rowsApplied([row('/')]);
  assert.deepEqual([told, room.size], [['refused one'], 0]);
});

test('time goes on for who comes back', (t) => {
  const { room, enter, told, clock } = open(t);
  const until = room.deadline();
  enter('one', '/', until);
  clock.pass(600);
  room.rowsApplied([row('/')]);
  enter('one', '/', until);
  clock.pass(400);
  assert.deepEqual(told, ['row one', 'refused one']);
  enter('late', '/', until);
  assert.deepEqual([told.at(-1), room.size], ['refused late', 0]);
});

test('a place takes so many and no more; who leaves makes room', (t) => {
  const { room, enter, told } = open(t, { perRoute: 2 });
  enter('one');
  const leave = enter('two');
  enter('three');
  assert.deepEqual(told, ['refused three']);
  leave();
  leave();
  enter('four');
  enter('elsewhere', '/x');
  assert.deepEqual([told, room.size], [['refused three'], 3]);
});

test('all places together take so many and no more', (t) => {
  const { room, enter, told } = open(t, { total: 2 });
  for (const path of ['/a', '/b', '/c']) enter(path, path);
  assert.deepEqual([told, room.size], [['refused /c'], 2]);
});

test('a full place takes all back who were sent to look and found it held again', (t) => {
  const { room, told } = open(t, { perRoute: 2 });
  const until = room.deadline();
  const enter = (name: string): (() => void) =>
    room.enter({
      place: row('/'),
      until,
      onRow: () => void enter(name),
      onRefused: () => told.push(`refused ${name}`),
    });
  enter('one');
  enter('two');
  room.rowsApplied([row('/')]);
  assert.deepEqual([told, room.size], [[], 2]);
});

test('who left hears nothing', (t) => {
  const { room, enter, told } = open(t);
  enter('one')();
  room.rowsApplied([row('/')]);
  t.mock.timers.tick(5_000);
  assert.deepEqual([told, room.size], [[], 0]);
});

test('a room that closes refuses everybody, and who comes later', (t) => {
  const { room, enter, told } = open(t);
  enter('one');
  enter('two', '/x');
  room.close();
  enter('three');
  assert.deepEqual([told, room.size], [['refused one', 'refused two', 'refused three'], 0]);
});

function open(t: TestContext, limits: Partial<HoldLimits> = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  const room = new WaitingRoom({ perRoute: 10, total: 20, waitMs: 1_000, ...limits }, () => now);
  const told: string[] = [];
  const enter = (name: string, path = '/', until = room.deadline()) =>
    room.enter({
      place: row(path),
      until,
      onRow: () => told.push(`row ${name}`),
      onRefused: () => told.push(`refused ${name}`),
    });
  const pass = (ms: number) => {
    now += ms;
    t.mock.timers.tick(ms);
  };
  return { room, enter, told, clock: { pass } };
}

function row(path: string): RouteRow {
  return { host: 'h', path, generation: 1, env: PROD, app: '/' as AppId, serve: null };
}

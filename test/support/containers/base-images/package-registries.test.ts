import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mavenMirrors } from './package-registries.ts';

const mirrors = '<mirrors><mirror><id>m</id><url>https://maven.example.com/</url></mirror></mirrors>';

for (const [name, settings, expected] of [
  ['the mirrors are taken as they stand', `<settings>${mirrors}</settings>`, mirrors],
  ['credentials are not', `<settings><servers><server/></servers>${mirrors}</settings>`, mirrors],
  ['what is commented out is not', `<settings><!-- ${mirrors} --></settings>`, ''],
  ['a file without any has none', '<settings/>', ''],
] as const) {
  test(`of Maven's settings, ${name}`, () => assert.equal(mavenMirrors(settings), expected));
}

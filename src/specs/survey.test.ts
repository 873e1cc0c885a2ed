import assert from 'node:assert/strict';
import { test } from 'node:test';
import { surveyOf } from './survey.ts';

for (const [name, files, dependencies] of [
  [
    'requirements by name, whatever versions and extras they ask for',
    {
      'requirements.txt':
        '# tools\nFlask==3.1\nuvicorn[standard] >= 0.30 ; python_version > "3.8"\n-r other.txt\nPy_YAML\n./local\n',
    },
    ['python:flask', 'python:py-yaml', 'python:uvicorn'],
  ],
  [
    'dependencies of a project',
    { 'pyproject.toml': '[project]\nname = "x"\ndependencies = ["streamlit>=1.40", "pandas"]\n' },
    ['python:pandas', 'python:streamlit'],
  ],
  [
    'dependencies as Poetry writes them',
    { 'pyproject.toml': '[tool.poetry.dependencies]\npython = "^3.13"\nfastapi = "*"\n' },
    ['python:fastapi', 'python:python'],
  ],
  [
    'dependencies of Node',
    { 'package.json': '{"dependencies": {"hono": "4", "@hono/node-server": "1"}}' },
    ['node:@hono/node-server', 'node:hono'],
  ],
  [
    'artifacts of Maven',
    {
      'pom.xml': '<parent><artifactId>spring-boot-starter-parent</artifactId></parent><artifactId> demo </artifactId>',
    },
    ['java:demo', 'java:spring-boot-starter-parent'],
  ],
  [
    'plugins and coordinates of Gradle',
    {
      'build.gradle.kts':
        'plugins { id("org.springframework.boot") version "3.5.0" }\nimplementation("org.acme:tool:1.0")',
    },
    ['java:org.springframework.boot', 'java:tool'],
  ],
  ['nothing in what is not valid', { 'package.json': '{', 'pyproject.toml': '= 1' }, []],
  ['nothing in what has another shape', { 'package.json': '[1]', 'pyproject.toml': 'project = 3' }, []],
] as const) {
  test(`a survey finds ${name}`, () => assert.deepEqual(surveyOf(files).dependencies, dependencies));
}

test('a survey names the scripts of package.json', () => {
  assert.deepEqual(surveyOf({ 'package.json': '{"scripts": {"test": "x", "start": "y"}}' }).scripts, ['start', 'test']);
});

test('a survey is bounded, however much is named', () => {
  const names = Array.from({ length: 5_000 }, (_, index) => `p${index}`);
  const { dependencies } = surveyOf({ 'requirements.txt': [...names, 'x'.repeat(200)].join('\n') });
  assert.equal(dependencies.length, 400);
});

test('a hostile manifest is read in no time', () => {
  const started = performance.now();
  surveyOf({
    'requirements.txt': `${'a.'.repeat(120_000)}/`,
    'pom.xml': '<artifactId> '.repeat(20_000),
    'build.gradle': `"${'a:'.repeat(120_000)}`,
    'pyproject.toml': '['.repeat(200_000),
  });
  assert.ok(performance.now() - started < 5_000);
});

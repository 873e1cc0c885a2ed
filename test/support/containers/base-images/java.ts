import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { haveInstalled } from '../packages.ts';
import { debianWith, searchPath } from './debian.ts';
import { readInstalled } from './debian-files.ts';
import { mavenMirrors } from './package-registries.ts';
import { BaseImageUnavailable, type Contents, type Recipe } from './recipe.ts';

const home = '/opt/java/openjdk';

/** Debian's JDK with Debian's Maven. Its version is the machine's, not the one that the image is named after. */
export const maven: Recipe = {
  names: ['maven:3.9-eclipse-temurin-21'],
  async collect(): Promise<Contents> {
    const packages = ['maven', 'default-jdk-headless'];
    if (!(await haveInstalled([{ name: 'mvn', packages }], process.env))) {
      throw new BaseImageUnavailable('there is no Maven here: install maven');
    }
    const version = await findJava('jdk');
    const contents = await withJava(['maven', `openjdk-${version}-jdk-headless`], version);
    return {
      ...contents,
      texts: { ...contents.texts, '/root/.m2/settings.xml': `<settings>${readMirrors()}</settings>\n` },
      env: { ...contents.env, MAVEN_HOME: '/usr/share/maven', MAVEN_CONFIG: '/root/.m2' },
      command: ['mvn'],
    };
  },
};

/** Debian's Java runtime. Its version is the machine's, not the one that the image is named after. */
export const jre: Recipe = {
  names: ['eclipse-temurin:21-jre'],
  async collect(): Promise<Contents> {
    await haveInstalled([{ name: 'java', packages: ['default-jre-headless'] }], process.env);
    const version = await findJava('jre');
    return withJava([`openjdk-${version}-jre-headless`], version);
  },
};

async function withJava(packages: readonly string[], version: string): Promise<Contents> {
  const system = await debianWith([...packages, 'ca-certificates-java']);
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  return {
    ...system,
    links: { [home]: `/usr/lib/jvm/java-${version}-openjdk-${architecture}` },
    env: { ...system.env, PATH: `${home}/bin:${searchPath}`, JAVA_HOME: home, LANG: 'C.UTF-8' },
  };
}

/** The newest version of Java that is installed from packages. */
async function findJava(kind: 'jdk' | 'jre'): Promise<string> {
  const names = [...(await readInstalled()).keys()].join('\n');
  const versions = [...names.matchAll(new RegExp(`^openjdk-(\\d+)-${kind}-headless$`, 'gm'))].map(([, v]) => Number(v));
  if (versions.length > 0) return String(Math.max(...versions));
  throw new BaseImageUnavailable(`there is no Java here: install default-${kind}-headless`);
}

function readMirrors(): string {
  const files = [join(homedir(), '.m2/settings.xml'), '/etc/maven/settings.xml'].filter((file) => existsSync(file));
  return files.map((file) => mavenMirrors(readFileSync(file, 'utf8'))).find((mirrors) => mirrors !== '') ?? '';
}

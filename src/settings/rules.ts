import { isUnder } from '../model/route.ts';
import type { ListenAddress } from '../model/settings.ts';
import type { Report, Values } from './parse.ts';
import { isLocalRepo, isSshPrefix } from './places.ts';
import { domainsOf } from './settings-of.ts';

/** What is wrong with values that are right by themselves, but not together. */
export function ruleErrors(values: Values): readonly Report[] {
  return [
    ...configRepoErrors(values),
    ...hostErrors(values),
    ...proxyProtocolErrors(values),
    ...listenErrors(values.get('listen') ?? []),
    ...values.names('git_auth').flatMap((name) => credentialErrors(name, values)),
    ...values.names('registry').flatMap((name) => registryErrors(name, values)),
    ...values.names('hooks').flatMap((name) => hookErrors(name, values)),
  ];
}

function report(key: string, message: string, hint: string | null = null): Report {
  return { path: key.split('.'), variable: null, message, hint };
}

function configRepoErrors(values: Values): Report[] {
  if (!values.isGiven('config_repo')) {
    return [report('config_repo', 'is missing', '"mainspring init REPO" writes a file that has it.')];
  }
  const repo = values.get('config_repo');
  const roots = values.get('git.local_roots');
  const isRootsWrong = values.isGiven('git.local_roots') && roots === undefined;
  if (repo === undefined || !isLocalRepo(repo) || isRootsWrong) return [];
  if (roots?.some((root) => isUnder(repo, root))) return [];
  const message = `is a folder of this machine, ${JSON.stringify(repo)}, which no local root holds`;
  return [report('config_repo', message, 'Name it, or a folder above it, in [git] local_roots.')];
}

function hostErrors(values: Values): Report[] {
  const { domain, envDomain, statusHost } = domainsOf(values);
  const errors: Report[] = [];
  if (isInZone(domain, envDomain)) {
    errors.push(report('env_domain', `should not hold the domain "${domain}", got "${envDomain}"`));
  } else if (isInZone(statusHost, envDomain)) {
    errors.push(
      report('status.host', `should be outside of the environments' zone "${envDomain}", got "${statusHost}"`),
    );
  }
  if (statusHost === domain) {
    const hint = 'A host of its own keeps apps from sharing its origin.';
    errors.push(report('status.host', `should not be the domain of the apps, got "${statusHost}"`, hint));
  }
  return errors;
}

function isInZone(host: string, zone: string): boolean {
  return host === zone || host.endsWith(`.${zone}`);
}

function proxyProtocolErrors(values: Values): Report[] {
  const isOn = (values.get('gateway.proxy_protocol') ?? 'off') !== 'off';
  if (!isOn || (values.get('gateway.trusted_proxies') ?? []).length > 0) return [];
  const hint = 'Name the proxies in front in gateway.trusted_proxies: nobody else is listened to.';
  return [report('gateway.proxy_protocol', 'needs gateway.trusted_proxies', hint)];
}

function listenErrors(addresses: readonly ListenAddress[]): Report[] {
  const texts = addresses.filter(({ port }) => port !== 0).map(({ host, port }) => `${host} port ${port}`);
  const twice = texts.find((text, index) => texts.indexOf(text) !== index);
  return twice === undefined ? [] : [report('listen', `should name each address once, got ${twice} twice`)];
}

function credentialErrors(name: string, values: Values): Report[] {
  const section = `git_auth.${name}`;
  const errors: Report[] = [];
  if (!values.isGiven('git_auth.*.url_prefix', name)) {
    errors.push(report(section, 'should have a url_prefix', 'The credential is sent nowhere but below it.'));
  }
  const hasToken = values.isGiven('git_auth.*.token_file', name);
  const hasKey = values.isGiven('git_auth.*.ssh_key_file', name);
  if (hasToken === hasKey) {
    errors.push(report(section, `should have either token_file or ssh_key_file, got ${hasKey ? 'both' : 'neither'}`));
    return errors;
  }
  const prefix = values.get('git_auth.*.url_prefix', name);
  if (prefix !== undefined && isSshPrefix(prefix) !== hasKey) {
    const fit = hasKey ? 'url_prefix should be an ssh URL' : 'url_prefix should be an https or http URL';
    errors.push(
      report(`${section}.url_prefix`, `with ${hasKey ? 'ssh_key_file' : 'token_file'}, ${fit}, got "${prefix}"`),
    );
  }
  return errors;
}

function registryErrors(name: string, values: Values): Report[] {
  const missing = (['host', 'username', 'password_file'] as const).filter(
    (key) => !values.isGiven(`registry.*.${key}`, name),
  );
  const hint = 'The credential is sent to that host alone.';
  return missing.map((key) => report(`registry.${name}`, `should have a ${key}`, hint));
}

function hookErrors(name: string, values: Values): Report[] {
  if (values.isGiven('hooks.*.secret_file', name)) return [];
  return [report(`hooks.${name}`, 'should have a secret_file', 'Without a secret anybody could send hints.')];
}

/** The parts of an image reference. */
export interface Reference {
  /** `docker.io` where none is written. */
  readonly host: string;
  /** The reference without tag and digest, as it is written. */
  readonly repository: string;
  readonly tag: string | null;
  readonly digest: string | null;
}

/** Takes a reference such as `ghcr.io/acme/app:1@sha256:…` apart; undefined for what is none. */
export function parseReference(text: string): Reference | undefined {
  const match =
    /^([A-Za-z0-9][A-Za-z0-9._:/-]*?)(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(text);
  const repository = match?.[1];
  if (repository === undefined || repository.endsWith('/') || repository.includes('//')) return undefined;
  const first = repository.includes('/') ? (repository.split('/')[0] ?? '') : '';
  const isHost = first.includes('.') || first.includes(':') || first === 'localhost';
  // A colon belongs to a port of the host, or begins the tag.
  if (repository.slice(isHost ? first.length : 0).includes(':')) return undefined;
  return { host: isHost ? first : 'docker.io', repository, tag: match?.[2] ?? null, digest: match?.[3] ?? null };
}

/** The reference that is pulled: `latest` where neither a tag nor a digest is written, or all tags would come. */
export function pulledName({ repository, tag, digest }: Reference): string {
  return digest === null ? `${repository}:${tag ?? 'latest'}` : `${repository}@${digest}`;
}

/** A repository as engines write it in digests: `python` is `docker.io/library/python`. */
export function fullRepository({ host, repository }: Pick<Reference, 'host' | 'repository'>): string {
  if (host !== 'docker.io') return repository;
  const path = repository.replace(/^(?:index\.)?docker\.io\//, '');
  return `docker.io/${path.includes('/') ? path : `library/${path}`}`;
}

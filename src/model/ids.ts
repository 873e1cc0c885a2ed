/** The id of an app: its route as declared, or its `id` argument. */
export type AppId = string & { readonly brand: 'AppId' };
/** The name of an environment, which is its label too: `prod`, `stage`, `pr-12`, `feature-x`. */
export type EnvName = string & { readonly brand: 'EnvName' };
/** The content address of a revision: 64 hex digits. */
export type RevisionHash = string & { readonly brand: 'RevisionHash' };
/** The hash of an artifact's inputs: 64 hex digits. */
export type ArtifactKey = string & { readonly brand: 'ArtifactKey' };
/** The id of an instance, unique for ever within an installation. */
export type InstanceId = string & { readonly brand: 'InstanceId' };
/** The id of an installation, made by `init`: 12 hex digits. It is in every label that an engine writes. */
export type InstallationId = string & { readonly brand: 'InstallationId' };
/** A full commit id: 40 or 64 lower-case hex digits. */
export type CommitId = string & { readonly brand: 'CommitId' };
/** A full id of a git tree. */
export type TreeId = string & { readonly brand: 'TreeId' };

/** The production environment. */
export const PROD = 'prod' as EnvName;
/** Where what lands on the followed branch is verified before it is promoted to production. */
export const STAGE = 'stage' as EnvName;

/** Whether the text is a full commit id (SHA-1 or SHA-256 repositories). */
export function isCommitId(text: string): text is CommitId {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

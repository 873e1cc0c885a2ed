/** An object that is there but cannot be read: git died over it, or it is not what its type says. */
export class UnreadableObject extends Error {}

/** An object that was expected is not in the repo, or not of the type expected. */
export class MissingObject extends Error {
  constructor(oid: string, type: string) {
    super(`${type} ${oid} is not there`);
  }
}

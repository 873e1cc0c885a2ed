/** What ends with whoever made it: the context of a test, or a part of the bench. */
export interface Cleanup {
  /** Called at the end, the last one first or not: nothing may depend on the order. */
  after(end: () => unknown): unknown;
}

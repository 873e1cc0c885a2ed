/** Work that is cut into slices: each `yield` is a place where other work may run. */
export type Sliced<T> = Generator<undefined, T>;

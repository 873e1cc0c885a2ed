import { PROD } from '../../model/ids.ts';
import type { RouteRow, RouteTarget, Vacancy } from '../../model/routing.ts';
import { TargetCounts } from './target-counts.ts';

/** A route that is there: what the row says, and its path cut into segments. */
export interface LiveRoute {
  readonly row: RouteRow;
  readonly serve: NonNullable<RouteRow['serve']>;
  /** How many segments the path has: 0 for an app at `/`. */
  readonly depth: number;
}

/** A place at which an app belongs that does not serve there. */
export interface VacantRoute {
  readonly row: RouteRow;
  readonly vacancy: Vacancy;
}

/** Hears of rows when all of them are in place, and of what no route leads to any more. */
export type OnApplied = (rows: readonly RouteRow[], left: readonly (RouteTarget & { readonly kind: 'http' })[]) => void;

interface Node {
  route: LiveRoute | undefined;
  vacant: VacantRoute | undefined;
  children: Map<string, Node> | undefined;
}

/**
 * The route table in memory: a map by host, then one step a segment. Looking up costs as many steps as the longest matching
 * path has segments, however many routes there are.
 */
export class RouteTable {
  readonly #hosts = new Map<string, Node>();
  readonly #targets = new TargetCounts();
  readonly #onApplied: OnApplied;
  #generation = 0;
  #size = 0;

  constructor(onApplied: OnApplied = () => {}) {
    this.#onApplied = onApplied;
  }

  /** The newest generation that was applied. */
  get generation(): number {
    return this.#generation;
  }

  /** How many routes there are. */
  get size(): number {
    return this.#size;
  }

  /** Puts rows in place, tombstones take away; all of them at once as seen by requests. Rows come oldest first. */
  apply(rows: readonly RouteRow[]): void {
    for (const row of rows) {
      if (row.serve === null && row.vacancy == null) this.#remove(row);
      else this.#put(row);
      this.#generation = Math.max(this.#generation, row.generation);
    }
    if (rows.length > 0) this.#onApplied(rows, this.#targets.takeLeft());
  }

  /** The controller says that nothing up to here is missing. */
  advance(generation: number): void {
    this.#generation = Math.max(this.#generation, generation);
  }

  /** Whether any app lives on this host. */
  hasHost(host: string): boolean {
    return this.#hosts.has(host);
  }

  /** The paths of production's apps on a host, at most so many: nothing of other environments is told by their neighbours. */
  pathsOn(host: string, most: number): readonly string[] {
    const found: string[] = [];
    const root = this.#hosts.get(host);
    const nodes = root === undefined ? [] : [root];
    for (let looked = 0; nodes.length > 0 && found.length < most && looked < 4 * most; looked += 1) {
      const node = nodes.pop();
      if (node?.route?.row.env === PROD) found.push(node.route.row.path);
      // Bounded as well: a host may have many thousands.
      for (const child of node?.children?.values() ?? []) {
        if (nodes.length >= 4 * most) break;
        nodes.push(child);
      }
    }
    return found;
  }

  /** The route of the longest path that is this one or above it, by whole segments. */
  find(host: string, path: string): LiveRoute | undefined {
    let node = this.#hosts.get(host);
    let best = node?.route;
    let start = 1;
    while (node?.children !== undefined && start <= path.length) {
      const slash = path.indexOf('/', start);
      const end = slash < 0 ? path.length : slash;
      node = node.children.get(path.slice(start, end));
      best = node?.route ?? best;
      start = end + 1;
    }
    return best;
  }

  /** The longest such path at which an app belongs that does not serve. To be asked where no route is found: whatever serves comes first. */
  findVacant(host: string, path: string): VacantRoute | undefined {
    let node = this.#hosts.get(host);
    let best = node?.vacant;
    for (const segment of segmentsOf(path)) {
      node = node?.children?.get(segment);
      if (node === undefined) break;
      best = node.vacant ?? best;
    }
    return best;
  }

  #put(row: RouteRow): void {
    const segments = segmentsOf(row.path);
    let node = nodeAt(this.#hosts, row.host);
    for (const segment of segments) {
      node.children ??= new Map();
      node = nodeAt(node.children, segment);
    }
    node.vacant = row.vacancy == null ? undefined : { row, vacancy: row.vacancy };
    this.#lead(node, row.serve === null ? undefined : { row, serve: row.serve, depth: segments.length });
  }

  /** Leads a node's requests to a route, or nowhere. */
  #lead(node: Node, route: LiveRoute | undefined): void {
    this.#size += Number(route !== undefined) - Number(node.route !== undefined);
    this.#targets.replace(node.route?.serve.target, route?.serve.target);
    node.route = route;
  }

  #remove(row: RouteRow): void {
    const root = this.#hosts.get(row.host);
    if (root === undefined) return;
    const way = [root];
    for (const segment of segmentsOf(row.path)) {
      const child = way.at(-1)?.children?.get(segment);
      if (child === undefined) return;
      way.push(child);
    }
    this.#clear(way, row);
  }

  /** Takes what the last node has, and every node on the way up that has become empty. */
  #clear(way: Node[], row: RouteRow): void {
    const last = way.at(-1);
    if (last !== undefined) {
      last.vacant = undefined;
      this.#lead(last, undefined);
    }
    const segments = segmentsOf(row.path);
    for (let depth = way.length - 1; depth >= 0; depth -= 1) {
      const node = way[depth];
      if (node === undefined || node.route !== undefined || node.vacant !== undefined) return;
      if ((node.children?.size ?? 0) > 0) return;
      if (depth === 0) this.#hosts.delete(row.host);
      else way[depth - 1]?.children?.delete(segments[depth - 1] ?? '');
    }
  }
}

function nodeAt(nodes: Map<string, Node>, key: string): Node {
  const found = nodes.get(key);
  if (found !== undefined) return found;
  const made: Node = { route: undefined, vacant: undefined, children: undefined };
  nodes.set(key, made);
  return made;
}

function segmentsOf(path: string): string[] {
  return path === '/' ? [] : path.slice(1).split('/');
}

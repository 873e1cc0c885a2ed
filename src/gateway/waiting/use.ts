import type { IncomingMessage } from 'node:http';

// Kubernetes, load balancers, and what watches from outside by itself.
const PROBE =
  /^(?:kube-probe|GoogleHC|ELB-HealthChecker|Envoy\/HC|HAProxy-check|Consul Health Check|Blackbox|Prometheus|Uptime-Kuma|Datadog\/Synthetics|Better Uptime)|UptimeRobot|Pingdom|StatusCake|Site24x7|updown\.io/i;
const CRAWLER = /bot\b|crawler|spider|slurp|facebookexternalhit|embedly|bingpreview|ia_archiver|scrapy/i;
// What browsers and crawlers ask for by themselves, without anybody who wants to see the app.
const UNASKED = /^(?:favicon\.(?:ico|svg|png)|robots\.txt|apple-touch-icon(?:-[\w-]+)?\.png|browserconfig\.xml)$/i;
const LONGEST_UNASKED = 'apple-touch-icon-precomposed-000x000.png'.length;
const MOST_AGENTS = 1_000;

/** Says of a request to a path whether it is use. */
export type IsUse = (request: Pick<IncomingMessage, 'method' | 'headers'>, path: string) => boolean;

/**
 * Judges whether a request is use: only then it wakes an app that is asleep, and keeps one awake. Probes, prefetches, preflights, what
 * browsers ask for by themselves, and crawlers unless they are to count, are not.
 */
export function useRule({ crawlersWake }: { readonly crawlersWake: boolean }): IsUse {
  const isPerson = agentRule((agent) => !PROBE.test(agent) && (crawlersWake || !CRAWLER.test(agent)));
  return ({ method, headers }, path) => {
    if (method === 'OPTIONS' || isUnasked(path) || isPrefetch(headers)) return false;
    const agent = headers['user-agent'];
    return agent === undefined || isPerson(agent);
  };
}

function isUnasked(path: string): boolean {
  const from = path.lastIndexOf('/') + 1;
  return path.length > from && path.length - from <= LONGEST_UNASKED && UNASKED.test(path.slice(from));
}

/** `Sec-Purpose` (Fetch standard), and the names that it had before. */
function isPrefetch(headers: IncomingMessage['headers']): boolean {
  const purpose = headers['sec-purpose'] ?? headers.purpose ?? headers['x-moz'];
  return typeof purpose === 'string' && /^(?:prefetch|prerender|preview)\b/i.test(purpose);
}

/** The same few agents ask all the time: what was found for one is kept, bounded because clients choose their names. */
function agentRule(judge: (agent: string) => boolean): (agent: string) => boolean {
  const known = new Map<string, boolean>();
  return (agent) => {
    const cached = known.get(agent);
    if (cached !== undefined) return cached;
    if (known.size >= MOST_AGENTS) known.clear();
    const verdict = judge(agent);
    known.set(agent, verdict);
    return verdict;
  };
}

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What the server counts. Labels are bounded: route patterns and outcomes, never ids or paths as sent. */
export type Metrics = {
  readonly registry: Registry
  readonly requests: Counter<'route' | 'method' | 'status'>
  readonly requestSeconds: Histogram<'route'>
  readonly decisions: Counter<'outcome'>
  readonly lists: Counter<'how'>
  readonly rejudgedLists: Counter<'outcome'>
  readonly policySwaps: Counter<'outcome'>
  readonly outboxSent: Counter<'outcome'>
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'writ_' })
  const registers = [registry]
  return {
    registry,
    requests: new Counter({
      name: 'writ_http_requests_total',
      help: 'Answers by route, method and status.',
      labelNames: ['route', 'method', 'status'],
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'writ_http_request_seconds',
      help: 'Time from the request line to the end of the answer.',
      labelNames: ['route'],
      buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2, 10],
      registers,
    }),
    decisions: new Counter({
      name: 'writ_decisions_total',
      help: 'Decisions by outcome: allow, deny, error (a rule failed), unavailable.',
      labelNames: ['outcome'],
      registers,
    }),
    lists: new Counter({
      name: 'writ_lists_total',
      help: 'Pages of modules by how their rows were found: filter (in SQL), none (no rule could allow), rows (each judged).',
      labelNames: ['how'],
      registers,
    }),
    rejudgedLists: new Counter({
      name: 'writ_rejudged_lists_total',
      help: 'Pages whose rows were judged again: agreed, moved (facts changed meanwhile), withheld (a disagreement; never right).',
      labelNames: ['outcome'],
      registers,
    }),
    policySwaps: new Counter({
      name: 'writ_policy_swaps_total',
      help: 'Activations that this node followed: swapped, refused (the last good program stays).',
      labelNames: ['outcome'],
      registers,
    }),
    outboxSent: new Counter({
      name: 'writ_outbox_rows_total',
      help: 'Outbox rows by outcome: sent, retried, dead.',
      labelNames: ['outcome'],
      registers,
    }),
  }
}

/** What the graphs in memory hold, counted when somebody reads the metrics. No label says whose: tenants are many. */
export function measureGraphs(
  registry: Registry,
  sizes: () => readonly { readonly entities: number; readonly tuples: number; readonly bytes: number }[],
): void {
  const total = (of: 'entities' | 'tuples' | 'bytes'): number => sizes().reduce((sum, size) => sum + size[of], 0)
  const gauges = [
    ['writ_graphs', 'Graphs of tenants in memory.', () => sizes().length],
    ['writ_graph_entities', 'Entities in all of them.', () => total('entities')],
    ['writ_graph_tuples', 'Tuples in all of them.', () => total('tuples')],
    ['writ_graph_bytes', 'About what all of them take.', () => total('bytes')],
    [
      'writ_graph_largest_bytes',
      'About what the largest takes.',
      () => Math.max(0, ...sizes().map(({ bytes }) => bytes)),
    ],
  ] as const
  for (const [name, help, value] of gauges) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value())
      },
    })
  }
}

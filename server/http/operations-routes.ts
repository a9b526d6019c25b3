import type { Metrics } from './metrics.ts'
import type { RouteTable } from './route.ts'

/** `/metrics`, behind a decision like everything else: a scraper is a client that holds the right to read them. */
export function operationsRoutes(metrics: Metrics): RouteTable {
  return {
    basePath: '',
    audiences: ['/admin'],
    routes: [
      {
        method: 'GET',
        path: '/metrics',
        summary: "The node's counters in Prometheus' text format",
        action: 'readMetrics',
        resourceType: 'Tenant',
        resource: ({ scope }) => ({ resource: { kind: 'entity', type: 'Tenant', id: scope.tenant.id } }),
        handle: async () => ({
          headers: { 'content-type': metrics.registry.contentType },
          body: Buffer.from(await metrics.registry.metrics()),
        }),
      },
    ],
  }
}

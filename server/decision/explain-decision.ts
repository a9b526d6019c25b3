import { type ExplainQuestion, type Explanation, explain, type Json, readRequest } from '../../policy-lang/index.ts'
import { errors as httpErrors } from '../http/errors.ts'
import type { RequestScope } from '../http/request-scope.ts'
import type { BoundRows } from './bound-rows.ts'
import { errors } from './errors.ts'
import type { ExternCalls } from './extern-calls.ts'
import type { Graphs } from './graphs.ts'
import { readLoaded } from './loaded-facts.ts'

/** A request in AuthZEN's form, and for whom the answer is (SPEC 7.4). */
export type ExplainWish = { readonly request: Json; readonly audience: ExplainQuestion['audience'] }

/** Why the tenant's rules decide a request as they do; nothing is decided or logged by it. */
export type ExplainDecision = (scope: RequestScope, wish: ExplainWish) => Promise<Explanation>

export function createExplainDecision(deps: {
  readonly graphs: Graphs
  readonly boundRows: BoundRows
  readonly externs: ExternCalls
}): ExplainDecision {
  return async ({ policy, tenant, now }, { request: json, audience }) => {
    const { program } = policy
    const read = readRequest(program, json)
    if (!read.ok) throw errors.request_not_readable({ detail: read.message })
    const ownTenant = { kind: 'entity', type: 'Tenant', id: tenant.id } as const
    const request = { ...read.request, context: new Map(read.request.context).set('tenant', ownTenant) }
    const asked = { request, given: [], supplied: read.supplied }
    const open = () => deps.graphs.of(policy)
    const explanation = await readLoaded(deps, { policy, asked, now, open }, ({ facts, options, isLast }) =>
      // A part of the facts explains nothing.
      isLast ? undefined : explain(program, { facts, request, options, audience }),
    )
    if (!explanation) throw httpErrors.decision_unavailable({ headers: { 'retry-after': '1' } })
    return explanation
  }
}

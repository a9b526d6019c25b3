import { z } from 'zod'
import { type ConditionTree, readRequest, writeExplanation } from '../../policy-lang/index.ts'
import type { JsonValue } from '../decision/decision-point.ts'
import { errors } from '../decision/errors.ts'
import { placesOfPolicy } from '../decision/rule-places.ts'
import { route } from '../module.ts'
import { type Admin, onTenant } from './request.ts'

const entityShape = z.object({
  type: z.string(),
  id: z.string(),
  properties: z.record(z.string(), z.json()).optional(),
})
const explainBody = z.strictObject({
  /** As in an AuthZEN evaluation; without a subject it is anonymous. */
  request: z.strictObject({
    subject: entityShape.optional(),
    action: z.object({ name: z.string(), properties: z.record(z.string(), z.json()).optional() }),
    resource: entityShape,
    context: z.record(z.string(), z.json()).optional(),
  }),
  /** `caller`: what somebody without the right to explain would be told. */
  audience: z.enum(['full', 'caller']).default('full'),
})

const listBody = z.strictObject({
  request: z.strictObject({
    subject: entityShape.optional(),
    action: z.object({ name: z.string(), properties: z.record(z.string(), z.json()).optional() }),
    resource: z.strictObject({ type: z.string() }),
    context: z.record(z.string(), z.json()).optional(),
  }),
})

/** Members of a tree are JSON or left out. */
const plainJson = (tree: ConditionTree): JsonValue => tree as unknown as JsonValue

export const decisionRoutes = ({ kernel }: Admin) => [
  route({
    method: 'POST',
    path: '/decisions/explain',
    summary: 'Why a request is decided as it is, and what would flip it',
    action: 'explain',
    resourceType: 'Tenant',
    resource: onTenant,
    body: explainBody,
    responds: z.looseObject({ decision: z.boolean(), policyVersion: z.string() }),
    refuses: ['request_not_readable', 'decision_unavailable'],
    async handle({ scope, body }) {
      // The body came through the strict JSON door, so its members are JSON.
      const request = body.request as { readonly [name: string]: JsonValue }
      const explanation = await kernel.explain(scope, { request, audience: body.audience })
      const { program, version } = scope.policy
      return {
        body: { ...writeExplanation(program, explanation, placesOfPolicy(scope.policy)), policyVersion: version },
      }
    },
  }),
  route({
    method: 'POST',
    path: '/decisions/list',
    summary: 'How a list is made for a subject: in SQL or row by row and why, and the rules as a condition tree',
    action: 'explain',
    resourceType: 'Tenant',
    resource: onTenant,
    body: listBody,
    responds: z.looseObject({ how: z.enum(['all', 'none', 'filter', 'rows']), policyVersion: z.string() }),
    refuses: ['request_not_readable', 'decision_unavailable'],
    async handle({ scope, body }) {
      const { program, version } = scope.policy
      // The body came through the strict JSON door, so its members are JSON.
      const json = { ...body.request, resource: { ...body.request.resource, id: '' } } as { [name: string]: JsonValue }
      const read = readRequest(program, json)
      if (!read.ok) throw errors.request_not_readable({ detail: read.message })
      const { subject, action, resource, context } = read.request
      const ownTenant = { kind: 'entity', type: 'Tenant', id: scope.tenant.id } as const
      const question = { subject, action, type: resource.type, context: new Map(context).set('tenant', ownTenant) }
      const [filter, tree] = [await kernel.lists.filter(scope, question), await kernel.lists.tree(scope, question)]
      const how = filter.kind === 'rows' ? 'filter' : filter.kind === 'unsayable' ? 'rows' : filter.kind
      const why = [...(filter.kind === 'unsayable' ? filter.diagnostics : []), ...(tree.ok ? [] : tree.diagnostics)]
      const said = why.map(({ code, message, span }) => ({ code, message, file: program.files[span.file] ?? '' }))
      const reply = { how, policyVersion: version, ...(said.length > 0 ? { why: said } : {}) }
      return { body: { ...reply, ...(tree.ok ? { tree: plainJson(tree.tree) } : {}) } }
    },
  }),
]

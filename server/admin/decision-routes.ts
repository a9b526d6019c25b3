import { z } from 'zod'
import { writeExplanation } from '../../policy-lang/index.ts'
import type { JsonValue } from '../decision/decision-point.ts'
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
      return { body: { ...writeExplanation(program, explanation), policyVersion: version } }
    },
  }),
]

import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import type { JsonValue, Judgement } from '../decision/decision-point.ts'
import { readJson, readText } from '../http/body.ts'
import { errors } from '../http/errors.ts'
import { validationRefusal } from '../http/serve-route.ts'
import { type RouteInput, route } from '../module.ts'
import { defaultTenantId } from '../tenancy/tenants.ts'
import { type ApplyRequest, applyDocuments, planDocuments } from './documents/apply-documents.ts'
import type { Document, DocumentProblem } from './documents/document.ts'
import { exportDocuments, writeDocuments } from './documents/export-documents.ts'
import { checkSpec, parseDocuments, readEnvelope } from './documents/parse-documents.ts'
import { adminErrors } from './errors.ts'
import { limits } from './limits.ts'
import { type Admin, actorOf, onTenant, tenantOf } from './request.ts'

const body = z.strictObject({
  documents: z.array(z.unknown()).max(limits.documents),
  prune: z.boolean().default(false),
})
const result = z.object({
  created: z.array(z.string()),
  changed: z.array(z.string()),
  unchanged: z.array(z.string()),
  deleted: z.array(z.string()),
  diff: z.array(z.unknown()),
  ids: z.record(z.string(), z.string()),
  secrets: z.record(z.string(), z.unknown()),
})

export const documentRoutes = (admin: Admin) => [
  ...(['apply', 'plan'] as const).map((verb) =>
    route({
      method: 'POST',
      path: `/${verb}`,
      summary:
        verb === 'apply'
          ? 'Make the server match documents (JSON `{documents, prune?}`, or YAML), all or none'
          : 'What `apply` would do',
      action: 'applyDocuments',
      resourceType: 'Tenant',
      resource: onTenant,
      query: z.strictObject({ prune: z.enum(['true', 'false']).optional() }),
      stream: true,
      responds: result,
      refuses: ['document_invalid', 'document_conflict', 'foreign_tenant', 'policy_invalid', 'policy_tests_failed'],
      async handle(input, judgement) {
        const given = await readDocuments(input)
        const prune = given.prune || input.query.prune === 'true'
        if (prune) {
          await admin.kernel.decisions.authorize(input.scope, { action: 'pruneDocuments', resource: tenantOf(input) })
        }
        const request = await requestOf(admin, input, judgement, { documents: given.documents, prune })
        const done = await (verb === 'apply' ? applyDocuments : planDocuments)(admin, request)
        // Every member of a result is JSON; the types of the lists are only narrower.
        return { body: done as unknown as JsonValue }
      },
    }),
  ),
  route({
    method: 'GET',
    path: '/export',
    summary: 'The state of the tenant as documents, YAML or JSON',
    action: 'exportDocuments',
    resourceType: 'Tenant',
    resource: onTenant,
    query: z.strictObject({ format: z.enum(['yaml', 'json']).default('yaml') }),
    async handle(input, judgement) {
      const documents = await exportDocuments(admin, actorOf(input, judgement), input.scope.now)
      if (input.query.format === 'json') return { body: { documents: documents as unknown as JsonValue } }
      return {
        headers: { 'content-type': 'application/yaml; charset=utf-8' },
        body: Buffer.from(writeDocuments(documents)),
      }
    },
  }),
]

type Input = Pick<RouteInput, 'scope' | 'headers' | 'stream'>

/** Other tenants are within reach of those only who may make tenants. */
async function requestOf(
  admin: Admin,
  input: Input,
  judgement: Judgement,
  given: Pick<ApplyRequest, 'documents' | 'prune'>,
): Promise<ApplyRequest> {
  const { scope } = input
  const isForeign = given.documents.some(
    ({ kind, tenant }) => kind === 'Tenant' || (tenant ?? scope.tenant.id) !== scope.tenant.id,
  )
  const mayOtherTenants =
    isForeign &&
    scope.tenant.id === defaultTenantId &&
    (await admin.kernel.decisions.decide(scope, { action: 'createTenant', resource: tenantOf(input) })).decision
  return { ...given, actor: actorOf(input, judgement), now: scope.now, mayOtherTenants }
}

/** YAML keeps the lines of its mistakes; JSON is what the command line sends, which knows the lines itself. */
async function readDocuments(input: Input): Promise<Pick<ApplyRequest, 'documents' | 'prune'>> {
  // The stream of a route is the request itself.
  const request = input.stream as IncomingMessage
  if (/^application\/(x-)?yaml/i.test(input.headers['content-type'] ?? '')) {
    const text = await readText(request, limits.documentBytes, errors.malformed_json)
    const { parsed, problems } = parseDocuments(text, 'body')
    const wrongSpecs = parsed.flatMap(({ document, lineOf }, index) =>
      checkSpec(document, index).map((problem) => ({ ...problem, line: lineOf(problem.pointer) })),
    )
    refuse([...problems, ...wrongSpecs])
    return { documents: parsed.map(({ document }) => document), prune: false }
  }
  const parsed = body.safeParse(await readJson(request, limits.documentBytes))
  if (!parsed.success) throw validationRefusal(parsed.error, 'body')
  const read = parsed.data.documents.map((document, index) => readEnvelope(document, index))
  refuse(read.flatMap((each) => ('problems' in each ? each.problems : [])))
  return {
    documents: read.flatMap((each): Document[] => ('document' in each ? [each.document] : [])),
    prune: parsed.data.prune,
  }
}

function refuse(problems: readonly DocumentProblem[]): void {
  if (problems.length > 0) throw adminErrors.document_invalid({ members: { errors: problems } })
}

import { z } from 'zod'
import type { JsonValue, Judgement } from '../decision/decision-point.ts'
import { errors } from '../http/errors.ts'
import { type RouteInput, route } from '../module.ts'
import { etagOf, requireMatch, requireMatchIfGiven } from './concurrency.ts'
import { adminErrors } from './errors.ts'
import { limits } from './limits.ts'
import { listPage, pageOf, pageQuery } from './list-page.ts'
import { locateDiagnostics } from './locate-diagnostics.ts'
import { checkGates, requireProgram } from './policy-gates.ts'
import { type Activation, createPolicySets, type PolicySetRow } from './policy-store.ts'
import { type Admin, actorOf, consistencyToken, entity, iso, onTenant, tenantOf } from './request.ts'

export const setName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
/** Relative, forward slashes, no `..`: it is shown in diagnostics and decides the layer. */
const filePath = z.string().regex(/^(?!\/)(?!.*(^|\/)\.{1,2}(\/|$))[A-Za-z0-9._/-]{1,200}\.fbac$/)
export const policyFiles = z
  .record(filePath, z.string())
  .refine((files) => Object.keys(files).length <= limits.policyFiles, { message: 'too many files' })
const filesBody = z.strictObject({ files: policyFiles })
const diagnosticShape = z.object({
  code: z.string(),
  severity: z.string(),
  message: z.string(),
  file: z.string(),
  line: z.int(),
  column: z.int(),
  endLine: z.int(),
  help: z.string().optional(),
  notes: z.array(z.string()).optional(),
})
const setShape = z.object({ name: z.string(), activeVersion: z.string().optional() })
const activeShape = z.object({ active: z.string(), previous: z.string().optional(), consistencyToken: z.string() })
const activateBody = z.strictObject({ ifActive: z.string().nullable().optional() })

export const policyRoutes = (admin: Admin) => [
  route({
    method: 'GET',
    path: '/policy-sets',
    summary: 'Policy sets of the tenant',
    action: 'listPolicySets',
    resourceType: 'Tenant',
    resource: onTenant,
    query: z.strictObject(pageQuery),
    responds: pageOf(setShape),
    refuses: ['invalid_cursor'],
    async handle(input) {
      const body = await listPage(admin.kernel, input.scope, input.query, {
        name: 'policy-sets',
        filter: [],
        read: (after, count) => setsOf(admin, input).list(after?.[0], count),
        keyOf: ({ name }) => [name],
        view,
      })
      return { body }
    },
  }),
  route({
    method: 'GET',
    path: '/policy-sets/:set',
    summary: 'A policy set with its active files and its versions',
    action: 'read',
    resourceType: 'PolicySet',
    resource: (input) => existingSet(admin, input),
    responds: setShape.extend({ files: policyFiles.optional(), versions: z.array(z.unknown()) }),
    async handle(input) {
      const set = await getSet(admin, input)
      const sets = setsOf(admin, input)
      const active = set.activeVersion === undefined ? undefined : await sets.findVersion(set.name, set.activeVersion)
      const versions = (await sets.versionsOf(set.name)).map(({ version, createdBy, createdAt }) => ({
        version,
        createdAt: iso(createdAt),
        ...(createdBy === undefined ? {} : { createdBy }),
      }))
      return {
        body: { ...view(set), versions, ...(active ? { files: active.files } : {}) },
        headers: { etag: etagOf(set.version) },
      }
    },
  }),
  route({
    method: 'GET',
    path: '/policy-sets/:set/versions/:version',
    summary: 'The files of one version',
    action: 'read',
    resourceType: 'PolicySet',
    resource: (input) => existingSet(admin, input),
    responds: z.object({ version: z.string(), files: policyFiles }),
    refuses: ['version_not_found'],
    async handle(input) {
      const found = await setsOf(admin, input).findVersion(nameOf(input), input.params.version ?? '')
      if (!found) throw adminErrors.version_not_found()
      return { body: { version: found.version, files: found.files } }
    },
  }),
  route({
    method: 'PUT',
    path: '/policy-sets/:set',
    summary: 'Make a draft of the whole set; 422 with every diagnostic where it does not compile with the rest',
    action: 'draft',
    resourceType: 'PolicySet',
    resource: anySet,
    body: filesBody,
    responds: z.object({ draft: z.string(), version: z.string(), diagnostics: z.array(diagnosticShape) }),
    refuses: ['policy_invalid', 'version_conflict'],
    async handle(input, judgement) {
      const set = setName.safeParse(nameOf(input))
      if (!set.success)
        throw adminErrors.policy_invalid({ detail: 'A set is named by lower-case letters, digits and hyphens.' })
      const { kernel } = admin
      const sets = setsOf(admin, input)
      const before = await sets.find(set.data)
      if (before) requireMatchIfGiven(input.headers, etagOf(before.version))
      const composed = await kernel.policies.compose(input.scope.tenant.id, set.data, input.body.files)
      requireProgram(set.data, composed)
      const unsayable = composed.policy ? await kernel.checkLists.unsayable(composed.policy) : []
      const draft = kernel.secrets.token(12)
      const createdBy = byOf(input)
      const { value } = await kernel.withTransaction(actorOf(input, judgement), async (unit) => {
        const version = await sets.putVersion(set.data, input.body.files, createdBy)
        await sets.putDraft(unit, set.data, { id: draft, version, createdBy })
        return version
      })
      const found = [...composed.diagnostics, ...unsayable]
      const diagnostics = locateDiagnostics(set.data, { ...composed, diagnostics: found }).map(plain)
      return { body: { draft, version: value, diagnostics } }
    },
  }),
  route({
    method: 'POST',
    path: '/policy-sets/:set/drafts/:draft/activate',
    summary: 'Activate a draft behind its gates',
    action: 'activate',
    resourceType: 'PolicySet',
    resource: (input) => existingSet(admin, input),
    body: activateBody,
    responds: activeShape,
    refuses: [
      'draft_not_found',
      'active_moved',
      'policy_invalid',
      'policy_tests_failed',
      'declaration_in_use',
      'would_lock_out',
      'list_disagrees',
    ],
    async handle(input, judgement) {
      const version = await setsOf(admin, input).findDraft(nameOf(input), input.params.draft ?? '')
      if (version === undefined) throw adminErrors.draft_not_found()
      const { ifActive } = input.body
      const { activeVersion } = await getSet(admin, input)
      if (ifActive !== undefined && ifActive !== (activeVersion ?? null)) throw adminErrors.active_moved()
      return swap(admin, input, judgement, { version, expected: activeVersion, by: byOf(input), action: 'activate' })
    },
  }),
  route({
    method: 'POST',
    path: '/policy-sets/:set/rollback',
    summary: 'Activate an earlier version; it must compile with the rest, tests are waived',
    action: 'rollback',
    resourceType: 'PolicySet',
    resource: (input) => existingSet(admin, input),
    body: z.strictObject({ to: z.string() }),
    responds: activeShape,
    refuses: ['version_not_found', 'policy_invalid', 'active_moved'],
    async handle(input, judgement) {
      const { activeVersion } = await getSet(admin, input)
      const { to } = input.body
      return swap(admin, input, judgement, {
        version: to,
        expected: activeVersion,
        by: byOf(input),
        action: 'rollback',
      })
    },
  }),
  route({
    method: 'DELETE',
    path: '/policy-sets/:set',
    summary: 'Remove a set with its versions, if everything else stands without it',
    action: 'remove',
    resourceType: 'PolicySet',
    resource: (input) => existingSet(admin, input),
    successStatus: 204,
    refuses: [
      'precondition_required',
      'version_conflict',
      'policy_invalid',
      'declaration_in_use',
      'would_lock_out',
      'list_disagrees',
    ],
    async handle(input, judgement) {
      const { kernel } = admin
      const set = await getSet(admin, input)
      requireMatch(input.headers, etagOf(set.version))
      const composed = await kernel.policies.compose(input.scope.tenant.id, set.name, undefined)
      await checkGates({ ...gateOf(admin, input), set: set.name, composed })
      await kernel.withTransaction(actorOf(input, judgement), (unit) => setsOf(admin, input).remove(unit, set.name))
      await kernel.policies.settled(input.scope.tenant.id)
      return {}
    },
  }),
]

type Input = Pick<RouteInput, 'scope' | 'params' | 'headers'>
const nameOf = ({ params }: Pick<Input, 'params'>): string => params.set ?? ''
const byOf = ({ scope }: Input): string => `${scope.subject.type}:${scope.subject.id}`
const setsOf = ({ kernel }: Admin, { scope }: Pick<Input, 'scope'>) =>
  createPolicySets(kernel.database, kernel.policies, scope.tenant.id)

/** ORDER: the gates judge before the transaction, which swaps only if what they judged against is still active. */
async function swap(admin: Admin, input: Input, judgement: Judgement, activation: Activation) {
  const { kernel } = admin
  const tenantId = input.scope.tenant.id
  const set = nameOf(input)
  const found = await setsOf(admin, input).findVersion(set, activation.version)
  if (!found) throw adminErrors.version_not_found()
  const composed = await kernel.policies.compose(tenantId, set, found.files)
  if (activation.action === 'activate') await checkGates({ ...gateOf(admin, input), set, composed })
  else requireProgram(set, composed)
  const { position } = await kernel.withTransaction(actorOf(input, judgement), (unit) =>
    setsOf(admin, input).activate(unit, set, activation),
  )
  // This node answers by it from the next request on; others within a notice or a poll.
  await kernel.policies.settled(tenantId)
  const { version, expected } = activation
  return {
    body: {
      active: version,
      ...(expected === undefined ? {} : { previous: expected }),
      consistencyToken: consistencyToken(kernel, input, position),
    },
  }
}

const gateOf = ({ kernel }: Admin, { scope }: Pick<Input, 'scope'>) => ({
  database: kernel.database,
  tenantId: scope.tenant.id,
  active: scope.policy.program,
  now: scope.now,
  lists: kernel.checkLists,
})

/** Sets live in no entity table: the decision is given the row. Also a set that is yet to be made. */
function anySet(input: Pick<Input, 'scope' | 'params'>) {
  const resource = entity('PolicySet', nameOf(input))
  return { resource, entities: [{ uid: resource, attributes: new Map([['tenant', tenantOf(input)]]) }] }
}

async function existingSet(admin: Admin, input: Pick<Input, 'scope' | 'params'>) {
  if (await setsOf(admin, input).find(nameOf(input))) return anySet(input)
  return { missing: true as const, decideOn: tenantOf(input), action: 'listPolicySets' }
}

async function getSet(admin: Admin, input: Pick<Input, 'scope' | 'params'>): Promise<PolicySetRow> {
  const set = await setsOf(admin, input).find(nameOf(input))
  if (!set) throw errors.version_conflict({ detail: 'It was removed meanwhile.' })
  return set
}

const view = ({ name, activeVersion }: PolicySetRow) => ({
  name,
  ...(activeVersion === undefined ? {} : { activeVersion }),
})

/** Located diagnostics hold text, numbers and lists of text. */
const plain = (diagnostic: object): JsonValue => diagnostic as JsonValue

import { z } from 'zod'
import { type RouteInput, route } from '../module.ts'
import { createRoleStore, roleId } from '../rbac/role-store.ts'
import { checkTuple } from '../relations/check-tuple.ts'
import { createTupleStore, tupleListKey } from '../relations/tuple-store.ts'
import { adminErrors } from './errors.ts'
import { limits } from './limits.ts'
import { listPage, pageOf, pageQuery } from './list-page.ts'
import { type Admin, actorOf, consistencyToken, onTenant, tenantOf } from './request.ts'
import { readTuple, tupleInput, tupleShape, tupleView } from './tuple-shapes.ts'

const bareTuple = tupleInput.omit({ until: true, reason: true })
const writeBody = z.strictObject({
  writes: z.array(tupleInput).default([]),
  deletes: z.array(bareTuple).default([]),
  preconditions: z
    .array(z.union([z.strictObject({ mustExist: bareTuple }), z.strictObject({ mustNotExist: bareTuple })]))
    .default([]),
})
type WriteBody = z.infer<typeof writeBody>
const listQuery = z.strictObject({
  ...pageQuery,
  resourceType: z.string().optional(),
  resourceId: z.string().optional(),
  relation: z.string().optional(),
  subjectType: z.string().optional(),
  subjectId: z.string().optional(),
})

export const relationRoutes = (admin: Admin) => [
  route({
    method: 'GET',
    path: '/relations',
    summary: 'Tuples',
    action: 'readRelations',
    resourceType: 'Tenant',
    resource: onTenant,
    query: listQuery,
    responds: pageOf(tupleShape),
    refuses: ['invalid_cursor'],
    async handle({ scope, query }) {
      const { limit: _, cursor: __, ...filter } = query
      const tuples = createTupleStore(admin.kernel.database, scope.tenant.id)
      const { resourceType, resourceId, relation, subjectType, subjectId } = filter
      const body = await listPage(admin.kernel, scope, query, {
        name: 'relations',
        filter: [resourceType, resourceId, relation, subjectType, subjectId],
        read: (after, count) => tuples.list(filter, after, count),
        keyOf: tupleListKey,
        view: tupleView,
      })
      return { body }
    },
  }),
  route({
    method: 'POST',
    path: '/relations/write',
    summary: 'Write and delete tuples in one transaction',
    action: 'writeRelations',
    resourceType: 'Tenant',
    resource: onTenant,
    body: writeBody,
    responds: z.object({ consistencyToken: z.string() }),
    refuses: ['relation_refused', 'precondition_failed'],
    async handle(input, judgement) {
      const { body } = input
      await checkWrite(admin, input)
      const { position } = await admin.kernel.withTransaction(actorOf(input, judgement), async (unit) => {
        const tuples = createTupleStore(admin.kernel.database, input.scope.tenant.id)
        for (const [index, precondition] of body.preconditions.entries()) {
          const wanted = 'mustExist' in precondition
          const named = 'mustExist' in precondition ? precondition.mustExist : precondition.mustNotExist
          const isThere = (await tuples.find(readTuple(named))) !== undefined
          if (isThere !== wanted) {
            throw adminErrors.precondition_failed({ members: { errors: [{ pointer: `/preconditions/${index}` }] } })
          }
        }
        let written = 0
        for (const given of body.writes) if (await tuples.put(unit, readTuple(given), given.reason)) written += 1
        let deleted = 0
        for (const given of body.deletes) if (await tuples.remove(unit, readTuple(given))) deleted += 1
        unit.audit({ action: 'relation.write', resource: tenantOf(input), detail: { written, deleted } })
      })
      return { body: { consistencyToken: consistencyToken(admin.kernel, input, position) } }
    },
  }),
]

/** 422 with a pointer for every tuple that the active program does not allow. */
async function checkWrite(admin: Admin, { scope, body }: Pick<RouteInput<WriteBody>, 'scope' | 'body'>): Promise<void> {
  const count = body.writes.length + body.deletes.length
  if (count > limits.tuplesPerWrite) {
    throw adminErrors.relation_refused({ detail: `At most ${limits.tuplesPerWrite} tuples at once.` })
  }
  const stored = new Set((await createRoleStore(admin.kernel.database, scope.tenant.id).all()).map(roleId))
  const isStoredRole = (scopeType: string, name: string) => stored.has(roleId({ scopeType, name }))
  const errors = body.writes.flatMap((given, index) => {
    const mistake = checkTuple(scope.policy.program, readTuple(given), isStoredRole)
    return mistake ? [{ ...mistake, pointer: `/writes/${index}${mistake.pointer}` }] : []
  })
  if (errors.length > 0) throw adminErrors.relation_refused({ members: { errors } })
}

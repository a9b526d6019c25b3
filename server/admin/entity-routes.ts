import { Readable } from 'node:stream'
import { z } from 'zod'
import { errors } from '../http/errors.ts'
import { type RouteInput, route } from '../module.ts'
import { etagOf, requireMatchIfGiven } from './concurrency.ts'
import { createEntityRows, type StoredEntity } from './entity-store.ts'
import { adminErrors } from './errors.ts'
import { importEntities } from './import-entities.ts'
import { listPage, pageOf, pageQuery } from './list-page.ts'
import { type GivenEntity, parentsOf, readEntityInput } from './read-entity.ts'
import { type Admin, actorOf, consistencyToken, entity, onTenant, tenantOf } from './request.ts'
import { entityShape } from './tuple-shapes.ts'

export const entityBody = z.strictObject({
  attributes: z.record(z.string().max(200), z.unknown()).default({}),
  parents: z.array(entityShape).max(100).default([]),
})
const shape = z.object({
  type: z.string(),
  id: z.string(),
  attributes: z.record(z.string(), z.unknown()),
  parents: z.array(entityShape),
})

export const entityRoutes = (admin: Admin) => [
  route({
    method: 'POST',
    path: '/entities/import',
    summary: 'Put entities, one JSON line each; each batch of 500 is written whole or not at all',
    action: 'writeEntities',
    resourceType: 'Tenant',
    resource: onTenant,
    stream: true,
    async handle(input, judgement) {
      const lines = importEntities(admin, input, actorOf(input, judgement))
      return { headers: { 'content-type': 'application/x-ndjson; charset=utf-8' }, body: Readable.from(lines) }
    },
  }),
  route({
    method: 'GET',
    path: '/entities/:type',
    summary: 'Entities of a type',
    action: 'readEntities',
    resourceType: 'Tenant',
    resource: onTenant,
    query: z.strictObject(pageQuery),
    responds: pageOf(shape),
    refuses: ['invalid_cursor', 'not_found'],
    async handle(input) {
      const type = input.params.type ?? ''
      const body = await listPage(admin.kernel, input.scope, input.query, {
        name: 'entities',
        filter: [type],
        read: (after, count) => rowsOf(admin, input).list(type, after?.[0], count),
        keyOf: ({ uid }) => [uid.id],
        view: (row) => view(row, input),
      })
      return { body }
    },
  }),
  route({
    method: 'GET',
    path: '/entities/:type/:id',
    summary: 'One entity',
    action: 'readEntities',
    resourceType: 'Tenant',
    resource: (input) => target(admin, input, 'readEntities'),
    responds: shape,
    async handle(input) {
      const row = await rowsOf(admin, input).find(uidOf(input))
      if (!row) throw errors.version_conflict({ detail: 'It was removed meanwhile.' })
      return { body: view(row, input), headers: { etag: etagOf(row.version) } }
    },
  }),
  route({
    method: 'PUT',
    path: '/entities/:type/:id',
    summary: 'Put an entity with its attributes and parents',
    action: 'writeEntities',
    resourceType: 'Tenant',
    resource: onTenant,
    body: entityBody,
    responds: shape.extend({ consistencyToken: z.string() }),
    refuses: ['entity_refused', 'version_conflict'],
    async handle(input, judgement) {
      const { scope, body } = input
      const { program } = scope.policy
      const uid = uidOf(input)
      const { attributes, mistakes } = readEntityInput(program, uid, given(body))
      if (mistakes.length > 0) throw adminErrors.entity_refused({ members: { errors: mistakes } })
      const rows = rowsOf(admin, input)
      const { value, position } = await admin.kernel.withTransaction(actorOf(input, judgement), async (unit) => {
        const before = await rows.find(uid)
        if (before) requireMatchIfGiven(input.headers, etagOf(before.version))
        const cycle = await rows.findCycle(program, uid, attributes)
        if (cycle)
          throw adminErrors.entity_refused({
            members: { errors: [{ pointer: '/parents', code: 'link_cycle', message: cycle }] },
          })
        if (await rows.put(unit, uid, attributes)) unit.audit({ action: 'entity.put', resource: uid })
        return { row: await rows.find(uid), isNew: before === undefined }
      })
      if (!value.row) throw new Error('an entity is there once it is put')
      const token = consistencyToken(admin.kernel, input, position)
      return {
        status: value.isNew ? 201 : 200,
        body: { ...view(value.row, input), consistencyToken: token },
        headers: { etag: etagOf(value.row.version) },
      }
    },
  }),
  route({
    method: 'DELETE',
    path: '/entities/:type/:id',
    summary: 'Delete an entity; its tuples stay',
    action: 'writeEntities',
    resourceType: 'Tenant',
    resource: (input) => target(admin, input, 'writeEntities'),
    successStatus: 204,
    refuses: ['version_conflict'],
    async handle(input, judgement) {
      await admin.kernel.withTransaction(actorOf(input, judgement), async (unit) => {
        const rows = rowsOf(admin, input)
        const before = await rows.find(uidOf(input))
        if (before) requireMatchIfGiven(input.headers, etagOf(before.version))
        if (await rows.remove(unit, uidOf(input))) unit.audit({ action: 'entity.remove', resource: uidOf(input) })
      })
      return {}
    },
  }),
]

type Input = Pick<RouteInput, 'scope' | 'params'>
const uidOf = ({ params }: Input) => entity(params.type ?? '', params.id ?? '')
const rowsOf = (admin: Admin, { scope }: Pick<RouteInput, 'scope'>) =>
  createEntityRows(admin.kernel.database, scope.tenant.id)

/** The body came through the strict JSON door, so its members are JSON. */
export const given = (body: z.infer<typeof entityBody>): GivenEntity => body as GivenEntity

async function target(admin: Admin, input: Input, action: string) {
  const row = await rowsOf(admin, input).find(uidOf(input))
  if (row) return { resource: tenantOf(input) }
  return { missing: true as const, decideOn: tenantOf(input), action }
}

function view({ uid, attributes }: StoredEntity, { scope }: Pick<RouteInput, 'scope'>) {
  const type = scope.policy.program.entityTypes.get(uid.type)
  const parents = type ? parentsOf(type, attributes).map((parent) => ({ type: parent.type, id: parent.id })) : []
  return { type: uid.type, id: uid.id, attributes, parents }
}

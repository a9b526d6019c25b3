import { createHash } from 'node:crypto'
import type { JsonValue } from '../../decision/decision-point.ts'
import { createAssignments, isRoleOf } from '../../rbac/assignments.ts'
import { createRoleStore, roleId } from '../../rbac/role-store.ts'
import { checkTuple } from '../../relations/check-tuple.ts'
import { tupleKey, type UntypedTuple } from '../../relations/tuple-row.ts'
import { createTupleStore, type StoredTuple } from '../../relations/tuple-store.ts'
import { cliClientId } from '../cli-token.ts'
import { readTuple, type TupleInput, tupleInput, tupleView } from '../tuple-shapes.ts'
import { diffMembers } from './document.ts'
import { DocumentMistake } from './document-mistake.ts'
import type { Specs } from './specs.ts'
import { type Applied, type DocumentKind, resolveNames, unresolveNames, type Work } from './work.ts'

export const relationKind: DocumentKind<Specs['Relation']> = {
  apply: (work, { name }, spec) => applyTuple(work, 'Relation', name, spec),
  remove: removeTuple,
  export: (work) => exportTuples(work, 'Relation'),
}

export const assignmentKind: DocumentKind<Specs['Assignment']> = {
  apply: (work, { name }, { role, on, ...rest }) =>
    applyTuple(work, 'Assignment', name, { ...rest, relation: role, resource: on }),
  remove: removeTuple,
  export: (work) => exportTuples(work, 'Assignment'),
}

type TupleKind = 'Relation' | 'Assignment'

async function applyTuple(work: Work, kind: TupleKind, name: string, spec: TupleInput): Promise<Applied> {
  // `undefined` members are no JSON; the shape is the same afterwards.
  const given = tupleInput.parse(resolveNames(work, JSON.parse(JSON.stringify(spec)) as JsonValue))
  const tuple = readTuple(given)
  await checkDeclared(work, kind, tuple)
  const target = targetOf(tuple)
  const tuples = createTupleStore(work.admin.kernel.database, work.tenantId)
  const named = work.names.targetOf(kind, name)
  const old = named === undefined ? undefined : readTuple(tupleInput.parse(named))
  // The same name with another tuple: the one that it was goes.
  if (old && tupleKey(old) !== tupleKey(tuple)) await removeTuple(work, name, named ?? null)
  const before = await tuples.find(tuple)
  const isChanged =
    kind === 'Assignment'
      ? await assignmentsOf(work).then((store) => store.assign(work.unit, tuple, given.reason))
      : await tuples.put(work.unit, tuple, given.reason)
  if (isChanged && kind === 'Relation')
    work.unit.audit({ action: 'relation.write', resource: tuple.resource, detail: { written: 1 } })
  const isReplaced = old !== undefined && tupleKey(old) !== tupleKey(tuple)
  if (!before) return { result: isReplaced ? 'changed' : 'created', target }
  const diff = diffMembers(
    { ...tupleView(before) },
    { ...tupleView({ ...tuple, ...(given.reason === undefined ? {} : { reason: given.reason }) }) },
  )
  return { result: isChanged ? 'changed' : 'unchanged', diff, target }
}

/** Everything but how long and why. */
function targetOf(tuple: UntypedTuple) {
  const { resource, relation, subject } = tupleView(tuple)
  return { resource, relation, subject }
}

async function checkDeclared(work: Work, kind: TupleKind, tuple: UntypedTuple): Promise<void> {
  const stored = new Set((await createRoleStore(work.admin.kernel.database, work.tenantId).all()).map(roleId))
  const mistake = checkTuple(await work.program(), tuple, (scopeType, name) => stored.has(roleId({ scopeType, name })))
  if (!mistake) return
  const renamed =
    kind === 'Assignment' ? mistake.pointer.replace('/relation', '/role').replace('/resource', '/on') : mistake.pointer
  throw new DocumentMistake(`/spec${renamed}`, mistake.code, mistake.message)
}

async function removeTuple(work: Work, _name: string, target: JsonValue): Promise<void> {
  const tuple = readTuple(tupleInput.parse(target))
  const isRemoved = await createTupleStore(work.admin.kernel.database, work.tenantId).remove(work.unit, tuple)
  if (isRemoved)
    work.unit.audit({ action: 'relation.remove', resource: tuple.resource, detail: { relation: tuple.relation } })
}

async function exportTuples(work: Work, kind: TupleKind) {
  const program = await work.program()
  const roles = new Set((await createRoleStore(work.admin.kernel.database, work.tenantId).all()).map(roleId))
  const isRole = ({ resource, relation }: StoredTuple) =>
    isRoleOf(program, resource.type, relation) || roles.has(roleId({ scopeType: resource.type, name: relation }))
  const all = await createTupleStore(work.admin.kernel.database, work.tenantId).list({}, undefined, 10_000_000)
  return (
    all
      // The command line's own key is made anew by each server.
      .filter(({ subject }) => subject.kind !== 'one' || subject.entity.id !== cliClientId)
      .filter((tuple) => isRole(tuple) === (kind === 'Assignment'))
      .map((tuple) => {
        const { resource: _, relation, subject: __, ...rest } = tupleView(tuple)
        const target = targetOf(tuple)
        const shown = unresolveNames(work, target) as typeof target
        const spec = kind === 'Assignment' ? { subject: shown.subject, role: relation, on: shown.resource } : shown
        const digest = createHash('sha256').update(tupleKey(tuple)).digest('hex').slice(0, 12)
        return { name: work.names.nameOf(kind, target) ?? `${relation}-${digest}`, spec: { ...spec, ...rest } }
      })
  )
}

const assignmentsOf = async ({ admin, tenantId, now, program }: Work) =>
  createAssignments({ database: admin.kernel.database, tenantId, now, program: await program() })

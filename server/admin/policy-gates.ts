import type { Database } from '../../adapters/database/port.ts'
import {
  createEntityStore,
  interpret,
  type Program,
  readContext,
  runTests,
  type Tuple,
} from '../../policy-lang/index.ts'
import type { CheckLists } from '../decision/oracle/check-lists.ts'
import type { Composed } from '../decision/policies.ts'
import { roleClosure } from '../rbac/closure.ts'
import { createRoleStore } from '../rbac/role-store.ts'
import { bareTupleOf, type TupleRow } from '../relations/tuple-row.ts'
import { createEntityRows } from './entity-store.ts'
import { adminErrors } from './errors.ts'
import { locateDiagnostics, placeOf } from './locate-diagnostics.ts'
import { entity } from './request.ts'

export type Gate = {
  readonly database: Database
  readonly tenantId: string
  readonly set: string
  readonly composed: Composed
  /** The program that is active now. */
  readonly active: Program | undefined
  readonly now: number
  readonly lists: CheckLists
}

/** The compiled program, or 422 with every diagnostic. */
export function requireProgram(set: string, composed: Composed): Program {
  if (composed.policy) return composed.policy.program
  throw adminErrors.policy_invalid({ members: { diagnostics: locateDiagnostics(set, composed) } })
}

/**
 * What stands between a draft and being active (admin.md §3): it compiles, its tests pass, nothing stored uses what it lacks,
 * and some administrator can still activate afterwards. Coverage and proofs are not gates yet.
 */
export async function checkGates(gate: Gate): Promise<void> {
  const program = requireProgram(gate.set, gate.composed)
  refuseFailingTests(gate, program)
  await refuseLostDeclarations(gate, program)
  await refuseLockOut(gate, program)
  await refuseUnequalLists(gate)
}

/** SPEC 7.7: what a list would show is what a check allows, over generated rows, or the rules never count. */
async function refuseUnequalLists({ lists, composed, active, now }: Gate): Promise<void> {
  if (!composed.policy) return
  const found = await lists.disagreements(composed.policy, { active, now })
  if (found.length > 0) throw adminErrors.list_disagrees({ members: { lists: found } })
}

function refuseFailingTests({ set, composed }: Gate, program: Program): void {
  const failures = runTests(program).cases.flatMap(({ title, failures: found }) =>
    found.map(({ message, span }) => ({ test: title, message, ...placeOf(span, composed.sources, set) })),
  )
  if (failures.length > 0) throw adminErrors.policy_tests_failed({ members: { failures } })
}

/** SPEC 6, schema change: removing what tuples or stored entities use is refused with the users listed. */
async function refuseLostDeclarations({ database, tenantId, active }: Gate, program: Program): Promise<void> {
  if (!active) return
  const lost: string[] = []
  for (const type of await createEntityRows(database, tenantId).types()) {
    if (active.entityTypes.has(type) && !program.entityTypes.has(type)) lost.push(`entities of type ${type}`)
  }
  const used: { readonly resource_type: string; readonly relation: string; readonly count: string | number }[] =
    await database
      .table('relation')
      .select('resource_type', 'relation')
      .count('* as count')
      .where('tenant_id', tenantId)
      .groupBy('resource_type', 'relation')
  for (const { resource_type: type, relation, count } of used) {
    const was = active.entityTypes.get(type)?.relations.has(relation)
    if (was && !program.entityTypes.get(type)?.relations.has(relation))
      lost.push(`${count} tuples of ${type}.${relation}`)
  }
  if (lost.length > 0)
    throw adminErrors.declaration_in_use({ detail: `Still used: ${lost.join(', ')}.`, members: { used: lost } })
}

/** Administrators that are looked at; one that can still activate is enough. */
const administratorsAsked = 100

/** By evaluating the current administrators; where there is none yet, nobody can be locked out. */
async function refuseLockOut(gate: Gate, program: Program): Promise<void> {
  const { tenantId, set, now } = gate
  const tuples = await readAdministration(gate)
  const subjects = await activeAdministrators(gate, tuples)
  if (subjects.length === 0) return
  const store = createEntityStore(program)
  const tenant = entity('Tenant', tenantId)
  const resource = entity('PolicySet', set)
  for (const tuple of tuples) store.putTuple(tuple)
  store.putEntity({ uid: tenant, attributes: new Map([['status', 'active']]) })
  store.putEntity({ uid: resource, attributes: new Map([['tenant', tenant]]) })
  for (const subject of subjects) store.putEntity({ uid: subject, attributes: new Map([['status', 'active']]) })
  const json = { tenant: { type: 'Tenant', id: tenantId }, scopes: [] }
  const context = readContext(program, { action: 'activate', resource }, { json, mistyped: [] })
  const isAllowed = subjects.some(
    (subject) => interpret(program, store, { subject, action: 'activate', resource, context }, { now }).decision,
  )
  if (!isAllowed) throw adminErrors.would_lock_out()
}

/** Roles of the tenant with their closure, and who is in which group. */
async function readAdministration({ database, tenantId }: Gate): Promise<Tuple[]> {
  const rows: TupleRow[] = await database
    .table('relation')
    .where('tenant_id', tenantId)
    // Whether a condition will hold is not known here: it opens no way back in.
    .whereNull('condition_name')
    .where((either) =>
      either
        .where({ resource_type: 'Tenant', resource_id: tenantId })
        .orWhere({ resource_type: 'Group', relation: 'member' }),
    )
  const tuples = rows.map(bareTupleOf)
  const roles = await createRoleStore(database, tenantId).all()
  const ofTenant = tuples.filter(({ resource }) => resource.type === 'Tenant')
  return [...tuples, ...roleClosure({ roles, assignments: ofTenant, organizations: [] })]
}

/** Accounts that are active and named by a role of the tenant, or a member of a group that is. */
async function activeAdministrators({ database, tenantId }: Gate, tuples: readonly Tuple[]) {
  const held = tuples.flatMap(({ subject }) =>
    subject.kind === 'one' && subject.entity.type === 'User' ? [subject.entity.id] : [],
  )
  const rows: { readonly id: string }[] = await database
    .table('account')
    .select('id')
    .where({ tenant_id: tenantId, status: 'active' })
    .whereIn('id', [...new Set(held)].slice(0, administratorsAsked))
  return rows.map(({ id }) => entity('User', id))
}

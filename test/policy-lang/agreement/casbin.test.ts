import { describe, expect, test } from '@jest/globals'
import { type Enforcer, newEnforcer, newModelFromString } from 'casbin'
import fc from 'fast-check'
import {
  compileProgram,
  createEntityStore,
  createEvaluator,
  createLister,
  interpret,
  listPage,
  type Program,
} from '../../../policy-lang/index.ts'
import { type Role, roleClosure } from '../../../server/rbac/closure.ts'
import { entity, tuple } from '../program-kit.ts'
import { patienceFor, propertyRuns } from '../properties/runs.ts'

const runs = propertyRuns('agreement with casbin', 150)

/** RBAC with domains, as casbin's documentation has it, and our spelling of the same. */
const model = `
[request_definition]
r = sub, dom, obj, act
[policy_definition]
p = sub, dom, obj, act
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act
`
const policy = `
import User, Organization from "writ:identity"

extend entity Organization { role chief: User }

entity Paper in Organization { }
entity Plan in Organization { }

action read, write, burn on Paper | Plan by User

@id("permitted")
allow any on x: Paper | Plan to permitted of x.organization
`
const compiled = compileProgram([{ path: 'casbin.fbac', text: policy }])
if (!compiled.program) throw new Error(JSON.stringify(compiled.diagnostics.map(({ message }) => message)))
const program: Program = compiled.program

const roles = ['chief', 'r1', 'r2', 'r3', 'r4']
const users = ['u0', 'u1', 'u2']
const organizations = ['acme', 'beta']
const types = ['Paper', 'Plan']
const actions = ['read', 'write', 'burn']
const oneOf = <Item>(items: readonly Item[]) => fc.constantFrom(...items)

type RoleGraph = {
  /** Also in circles. */
  readonly inherits: readonly (readonly [string, string])[]
  readonly permissions: readonly (readonly [string, string, string])[]
  readonly assignments: readonly (readonly [string, string, string])[]
}
const anyGraph: fc.Arbitrary<RoleGraph> = fc.record({
  inherits: fc.uniqueArray(fc.tuple(oneOf(roles), oneOf(roles)), { maxLength: 6, selector: String }),
  permissions: fc.uniqueArray(fc.tuple(oneOf(roles), oneOf(types), oneOf(actions)), { maxLength: 8, selector: String }),
  assignments: fc.uniqueArray(fc.tuple(oneOf(users), oneOf(roles), oneOf(organizations)), {
    maxLength: 6,
    selector: String,
  }),
})

async function enforcerOf({ inherits, permissions, assignments }: RoleGraph): Promise<Enforcer> {
  const enforcer = await newEnforcer(newModelFromString(model))
  for (const domain of organizations) {
    for (const [role, type, action] of permissions) await enforcer.addPolicy(`role:${role}`, domain, type, action)
    for (const [role, lower] of inherits) await enforcer.addGroupingPolicy(`role:${role}`, `role:${lower}`, domain)
  }
  for (const [who, role, domain] of assignments) await enforcer.addGroupingPolicy(who, `role:${role}`, domain)
  return enforcer
}

/** The graph as the server fills it: assignments closed over inheritance, and what roles permit. */
function storeOf({ inherits, permissions, assignments }: RoleGraph) {
  const known: readonly Role[] = roles.map((name) => ({
    scopeType: 'Organization',
    name,
    description: '',
    inherits: inherits.filter(([role]) => role === name).map(([, lower]) => lower),
    permissions: permissions
      .filter(([role]) => role === name)
      .map(([, resourceType, action]) => ({ action, resourceType })),
  }))
  const store = createEntityStore(program)
  for (const id of organizations) {
    const organization = entity('Organization', id)
    store.putEntity({ uid: organization, attributes: new Map() })
    for (const type of types) {
      store.putEntity({ uid: entity(type, `${type}-${id}`), attributes: new Map([['organization', organization]]) })
    }
  }
  const tuples = assignments.map(([who, role, at]) => tuple(entity('User', who), role, entity('Organization', at)))
  for (const each of roleClosure({
    roles: known,
    assignments: tuples,
    organizations: organizations.map((id) => ({ id })),
  }))
    store.putTuple(each)
  for (const { scopeType, name, permissions: own } of known) store.putRolePermissions(scopeType, name, own)
  return store
}

describe('generated role graphs', () => {
  test(
    'casbin enforces what `permitted of` decides, in both executors and in lists (SPEC 3.6)',
    async () => {
      let allowances = 0
      await fc.assert(
        fc.asyncProperty(anyGraph, async (graph) => {
          const enforcer = await enforcerOf(graph)
          const store = storeOf(graph)
          const { decide } = createEvaluator(program)
          const lister = createLister(program)
          for (const [who, type, action] of product(users, types, actions)) {
            const subject = entity('User', who)
            const allowed: string[] = []
            for (const at of organizations) {
              const resource = entity(type, `${type}-${at}`)
              const request = { subject, action, resource, context: new Map() }
              const wanted = await enforcer.enforce(who, at, type, action)
              expect(interpret(program, store, request, { now: 0 }).decision).toBe(wanted)
              expect(decide(store, request, { now: 0 }).decision).toBe(wanted)
              if (wanted) allowed.push(resource.id)
            }
            const request = { subject, action, resource: entity(type, ''), context: new Map() }
            const listed = { side: 'resource', request, facts: store, store, options: { now: 0 }, decide } as const
            const page = listPage(lister, listed, { after: undefined, limit: 10, checks: 1000 })
            expect(page.ids).toEqual(allowed)
            allowances += allowed.length
          }
        }),
        runs,
      )
      expect(allowances).toBeGreaterThan(runs.numRuns)
    },
    patienceFor(runs.numRuns),
  )
})

const product = (first: readonly string[], second: readonly string[], third: readonly string[]) =>
  first.flatMap((a) => second.flatMap((b) => third.map((c) => [a, b, c] as const)))

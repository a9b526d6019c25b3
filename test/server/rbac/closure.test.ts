import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { EntityValue, Tuple } from '../../../policy-lang/index.ts'
import type { RbacAdapter } from '../../../server/rbac/casbin-adapter.ts'
import { everyDomain, openEnforcer } from '../../../server/rbac/casbin-model.ts'
import { domainName, roleName, roleOfName, ruleOf, subjectName } from '../../../server/rbac/casbin-names.ts'
import { type ClosureInput, findRoleCycle, roleClosure } from '../../../server/rbac/closure.ts'

const entity = (type: string, id: string): EntityValue => ({ kind: 'entity', type, id })
const user = (id: string) => ({ kind: 'one', entity: entity('User', id) }) as const
const tuple = (id: string, relation: string, resource: EntityValue, until?: number): Tuple => ({
  resource,
  relation,
  subject: user(id),
  ...(until === undefined ? {} : { until }),
})

const names = ['a', 'b', 'c', 'd', 'e', 'f']
/** Role n inherits only roles after it: graphs without cycles. Organization n has a parent before it. */
const graphs: fc.Arbitrary<ClosureInput> = fc.record({
  roles: fc.array(fc.subarray(names), { minLength: names.length, maxLength: names.length }).map((lists) =>
    lists.map((inherits, at) => ({
      scopeType: 'Organization',
      name: names[at] ?? '',
      inherits: inherits.filter((name) => name > (names[at] ?? '')),
    })),
  ),
  organizations: fc.array(fc.option(fc.nat(4)), { minLength: 5, maxLength: 5 }).map((parents) =>
    parents.map((parent, at) => ({
      id: `o${at}`,
      ...(parent !== null && parent < at ? { parentId: `o${parent}` } : {}),
    })),
  ),
  assignments: fc.array(
    fc
      .record({ id: fc.constantFrom('u0', 'u1', 'u2'), role: fc.constantFrom(...names), at: fc.nat(4) })
      .map(({ id, role, at }) => tuple(id, role, entity('Organization', `o${at}`))),
    { maxLength: 8 },
  ),
})

/** The graph as casbin loads it, without a database. */
const adapterOf = ({ roles, organizations, assignments }: ClosureInput): RbacAdapter => ({
  isFiltered: () => true,
  loadPolicy: async () => undefined,
  async loadFilteredPolicy(model) {
    for (const { scopeType, name, inherits } of roles) {
      for (const parent of inherits)
        model.addPolicy('g', 'g', [roleName(scopeType, name), roleName(scopeType, parent), everyDomain])
    }
    for (const assignment of assignments) model.addPolicy('g', 'g', ruleOf(assignment))
  },
  savePolicy: async () => false,
  addPolicy: async () => undefined,
  removePolicy: async () => undefined,
  removeFilteredPolicy: async () => undefined,
  organizationDomains: async () =>
    organizations.flatMap(({ id, parentId }) =>
      parentId === undefined
        ? []
        : [
            {
              child: domainName({ type: 'Organization', id }),
              parent: domainName({ type: 'Organization', id: parentId }),
            },
          ],
    ),
})

describe('role closure (admin.md §6)', () => {
  test("equals casbin's own answers on 1,000 generated role graphs", async () => {
    await fc.assert(
      fc.asyncProperty(graphs, async (graph) => {
        const enforcer = await openEnforcer(adapterOf(graph), 'everything')
        const closed = roleClosure(graph)
        for (const id of ['u0', 'u1', 'u2']) {
          for (const { id: organization } of graph.organizations) {
            const at = entity('Organization', organization)
            const byCasbin = await enforcer.getImplicitRolesForUser(subjectName(user(id)), domainName(at))
            const byClosure = closed
              .filter(
                ({ resource, subject }) =>
                  resource.id === organization && subject.kind === 'one' && subject.entity.id === id,
              )
              .map(({ relation }) => relation)
            expect(byClosure.sort()).toEqual(byCasbin.map((name) => roleOfName(name).role).sort())
          }
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('a role on an organization holds on its sub-organizations and not above (SPEC 3, role)', () => {
    const closed = roleClosure({
      roles: [],
      organizations: [{ id: 'top' }, { id: 'mid', parentId: 'top' }, { id: 'low', parentId: 'mid' }],
      assignments: [tuple('alice', 'editor', entity('Organization', 'mid'))],
    })
    expect(closed.map(({ resource }) => resource.id)).toEqual(['mid', 'low'])
  })

  test('a derived role ends with the last of its reasons', () => {
    const at = entity('Organization', 'o')
    const roles = [{ scopeType: 'Organization', name: 'editor', inherits: ['viewer'] }]
    const untilOf = (assignments: Tuple[]) =>
      roleClosure({ roles, organizations: [], assignments }).find(({ relation }) => relation === 'viewer')?.until
    expect(untilOf([tuple('alice', 'editor', at, 100), tuple('alice', 'viewer', at, 50)])).toBe(100)
    expect(untilOf([tuple('alice', 'editor', at, 100), tuple('alice', 'viewer', at)])).toBeUndefined()
  })

  test('organizations in a circle and roles of another type end and add nothing', () => {
    const closed = roleClosure({
      roles: [{ scopeType: 'Folder', name: 'editor', inherits: ['owner'] }],
      organizations: [
        { id: 'x', parentId: 'y' },
        { id: 'y', parentId: 'x' },
      ],
      assignments: [tuple('alice', 'editor', entity('Organization', 'x'))],
    })
    expect(closed.map(({ resource, relation }) => `${resource.id} ${relation}`)).toEqual(['x editor', 'y editor'])
  })

  test('a cycle of roles is found with the way around, an acyclic change is not', () => {
    const roles = [
      { scopeType: 'Organization', name: 'b', inherits: ['c'] },
      { scopeType: 'Organization', name: 'c', inherits: ['a'] },
    ]
    expect(findRoleCycle(roles, { scopeType: 'Organization', name: 'a', inherits: ['b'] })).toEqual([
      'a',
      'b',
      'c',
      'a',
    ])
    expect(findRoleCycle(roles, { scopeType: 'Organization', name: 'd', inherits: ['b'] })).toBeUndefined()
    expect(findRoleCycle(roles, { scopeType: 'Folder', name: 'a', inherits: ['b'] })).toBeUndefined()
  })

  test('names of subjects, roles and domains cannot be taken for another, whatever their ids', () => {
    const tricky = user('["Organization","admin"]')
    const all = [
      subjectName(tricky),
      roleName('Organization', 'admin'),
      domainName(entity('Organization', 'admin')),
      subjectName(user('admin')),
      subjectName({ kind: 'anyOf', type: 'User' }),
      subjectName({ kind: 'anyone' }),
    ]
    expect(new Set(all).size).toBe(all.length)
  })
})

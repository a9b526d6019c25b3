import { DefaultRoleManager, type Enforcer, newEnforcer, newModelFromString } from 'casbin'
import type { RbacAdapter, RbacFilter } from './casbin-adapter.ts'

/**
 * RBAC with domains: `g = who, role, domain` says who has a role where (the domain is the resource of an assignment), and,
 * with domain `*`, which role inherits which; `p = role, domain, type, action` is what a stored role permits.
 */
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
m = g(r.sub, p.sub, r.dom) && (p.dom == r.dom || p.dom == "*") && r.obj == p.obj && r.act == p.act
`

/** Longer chains than casbin's ten: a hierarchy may be as deep as it is large. */
const hierarchyDepth = 1_000

/** An enforcer over what `filter` loads. Management only: it is never asked in a request (admin.md §6). */
export async function openEnforcer(adapter: RbacAdapter, filter: RbacFilter): Promise<Enforcer> {
  const enforcer = await newEnforcer(newModelFromString(model))
  const roles = new DefaultRoleManager(hierarchyDepth)
  await roles.addDomainMatchingFunc((domain, stored) => stored === everyDomain || stored === domain)
  const organizations = new DefaultRoleManager(hierarchyDepth)
  for (const { child, parent } of await adapter.organizationDomains()) await organizations.addLink(parent, child)
  await roles.addDomainHierarchy(organizations)
  enforcer.setRoleManager(roles)
  enforcer.setAdapter(adapter)
  await enforcer.loadFilteredPolicy(filter)
  return enforcer
}

/** Role hierarchy and permissions hold in every domain. */
export const everyDomain = '*'

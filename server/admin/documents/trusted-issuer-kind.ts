import { createTrustedIssuerStore } from '../../oidc/trusted-issuers.ts'
import { entity } from '../request.ts'
import { diffMembers } from './document.ts'
import type { Specs } from './specs.ts'
import type { DocumentKind, Work } from './work.ts'

/** Issuers whose assertions the tenant takes; the target is the issuer itself. */
export const trustedIssuerKind: DocumentKind<Specs['TrustedIssuer']> = {
  async apply(work, _document, spec) {
    const store = storeOf(work)
    const { issuer: target } = spec
    const before = await store.find(target)
    const diff = before ? diffMembers(before, spec) : []
    if (before && diff.length === 0) return { result: 'unchanged', diff, target }
    await store.put(spec)
    const detail = { issuer: target, scope: spec.scope, subject: spec.subject.by }
    work.unit.audit({ action: 'oidc.issuer.trusted', resource: entity('Tenant', work.tenantId), detail })
    return { result: before ? 'changed' : 'created', diff, target }
  },
  async remove(work, _name, target) {
    const issuer = String(target)
    if (!(await storeOf(work).remove(issuer))) return
    work.unit.audit({
      action: 'oidc.issuer.dropped',
      resource: entity('Tenant', work.tenantId),
      detail: { issuer },
    })
  },
  async export(work) {
    const all = await storeOf(work).list()
    return all.map((issuer) => ({
      name: work.names.nameOf('TrustedIssuer', issuer.issuer) ?? issuer.issuer.replace(/^https?:\/\//, ''),
      spec: { ...issuer },
    }))
  },
}

const storeOf = ({ admin, tenantId }: Work) => createTrustedIssuerStore(admin.kernel.database, tenantId)

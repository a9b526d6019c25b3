import { requireForeign } from '../../oidc/api-resources.ts'
import {
  createOpenidSettings,
  type OpenidSettings,
  openidSettingsSchema,
} from '../../oidc/registration/openid-settings.ts'
import { entity } from '../request.ts'
import { diffMembers } from './document.ts'
import type { Specs } from './specs.ts'
import type { DocumentKind, Work } from './work.ts'

const target = 'openid'

/** What a tenant settles about its provider: there is one of it, and taking the document away restores the defaults. */
export const openidSettingsKind: DocumentKind<Specs['OpenidSettings']> = {
  async apply(work, _document, spec) {
    const diff = diffMembers(await storeOf(work).read(), spec)
    if (diff.length === 0) return { result: 'unchanged', diff, target }
    await put(work, spec)
    return { result: 'changed', diff, target }
  },
  remove: (work) => put(work, openidSettingsSchema.parse({})),
  async export(work) {
    const spec = await storeOf(work).read()
    if (diffMembers(openidSettingsSchema.parse({}), spec).length === 0) return []
    return [{ name: work.names.nameOf('OpenidSettings', target) ?? target, spec }]
  },
}

async function put(work: Work, settings: OpenidSettings): Promise<void> {
  const tenant = await work.admin.kernel.tenants.find(work.tenantId)
  if (!tenant) throw new Error('documents: a tenant that is gone')
  requireForeign(settings.resources, tenant)
  await storeOf(work).put(settings, work.now)
  const detail = { ...settings }
  work.unit.audit({ action: 'oidc.settings.changed', resource: entity('Tenant', work.tenantId), detail })
  // Providers are built of it.
  work.unit.changed({ kind: 'tenant' })
}

const storeOf = ({ admin, tenantId }: Work) => createOpenidSettings(admin.kernel.database, tenantId)

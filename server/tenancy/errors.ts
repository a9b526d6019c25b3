import { refusals } from '../http/refusal.ts'

export const errors = refusals({
  tenant_exists: { status: 409, title: 'A tenant of this id or issuer exists.' },
  tenant_not_found: { status: 404, title: 'There is no such tenant.' },
  invalid_tenant_id: { status: 422, title: 'A tenant id is 1 to 63 lower-case letters, digits and hyphens.' },
})

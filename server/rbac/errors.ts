import { refusals } from '../http/refusal.ts'

export const rbacErrors = refusals({
  role_cycle: { status: 422, title: 'A role cannot inherit itself.' },
  role_exists: { status: 409, title: 'A role of this name exists for this type.' },
  role_in_use: { status: 409, title: 'Somebody has this role, or another role inherits it.' },
  role_unknown: { status: 422, title: 'There is no such role on this type.' },
  assignment_not_found: { status: 404, title: 'There is no such assignment.' },
})

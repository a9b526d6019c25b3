import type { Program } from '../../policy-lang/index.ts'
import type { JsonValue } from '../decision/decision-point.ts'
import { adminErrors } from './errors.ts'

type Members = { readonly [name: string]: JsonValue }
type Masked = { readonly program: Program; readonly type: string; readonly fields: readonly string[] | undefined }

/** Leaves out what the decision's fields do not hold (SPEC 5, fields); members that are no attributes of the type stay. */
export function maskFields(view: Members, masked: Masked): Members {
  return Object.fromEntries(Object.entries(view).filter(([name]) => !isMasked(name, masked)))
}

/** Writing what one may not see or change is refused as a whole, with pointers (admin.md §1). */
export function refuseMaskedWrites(names: readonly string[], masked: Masked): void {
  const refused = names.filter((name) => isMasked(name, masked))
  if (refused.length === 0) return
  throw adminErrors.field_not_allowed({
    members: { errors: refused.map((name) => ({ pointer: `/${name}`, code: 'field_not_allowed' })) },
  })
}

function isMasked(name: string, { program, type, fields }: Masked): boolean {
  if (fields === undefined || !program.entityTypes.get(type)?.attributes.has(name)) return false
  return !fields.some((field) => field === name || field.startsWith(`${name}.`))
}

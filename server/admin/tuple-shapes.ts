import { z } from 'zod'
import type { Json, Tuple } from '../../policy-lang/index.ts'
import { subjectColumns, type UntypedTuple } from '../relations/tuple-row.ts'
import type { StoredTuple } from '../relations/tuple-store.ts'
import { entity, iso } from './request.ts'

/** Types of entities, as programs name them or as `@wire` spells them. */
const typeName = z.string().min(1).max(200)
const id = z
  .string()
  .min(1)
  .max(500)
  .refine((text) => text !== '*', { message: '"*" is no id' })
export const entityShape = z.strictObject({ type: typeName, id })
/** `"anyone"`; `{type, id: "*"}` is every entity of the type; `{type, id, relation}` its holders. */
export const subjectInput = z.union([
  z.literal('anyone'),
  z.strictObject({ type: typeName, id: z.string().min(1).max(500), relation: z.string().min(1).max(200).optional() }),
])
export const subjectShape = z.object({ type: z.string(), id: z.string(), relation: z.string().optional() })
/** Of a relation that is held `if` a function: its name, and parameters that the tuple keeps (SPEC 3.3). */
const condition = z.strictObject({
  name: z.string().min(1).max(200),
  context: z.record(z.string().max(200), z.unknown()).default({}),
})
/** Offset required, as in policies (SPEC 2, lexis). */
export const until = z.iso.datetime({ offset: true })
export const tupleInput = z.strictObject({
  resource: entityShape,
  relation: z.string().min(1).max(200),
  subject: subjectInput,
  until: until.optional(),
  condition: condition.optional(),
  reason: z.string().max(500).optional(),
})
export type TupleInput = z.infer<typeof tupleInput>
export const tupleShape = z.object({
  resource: entityShape,
  relation: z.string(),
  subject: subjectShape,
  until: z.string().optional(),
  condition: z.object({ name: z.string(), context: z.record(z.string(), z.unknown()) }).optional(),
  reason: z.string().optional(),
})

export function readSubject(given: z.infer<typeof subjectInput>): Tuple['subject'] {
  if (given === 'anyone' || given.type === '*') return { kind: 'anyone' }
  if (given.id === '*') return { kind: 'anyOf', type: given.type }
  const { relation } = given
  return { kind: 'one', entity: entity(given.type, given.id), ...(relation === undefined ? {} : { relation }) }
}

export function readTuple({
  resource,
  relation,
  subject,
  until: end,
  condition: given,
}: Omit<TupleInput, 'reason'>): UntypedTuple {
  return {
    resource: entity(resource.type, resource.id),
    relation,
    subject: readSubject(subject),
    ...(end === undefined ? {} : { until: Date.parse(end) }),
    ...(given === undefined
      ? {}
      : { condition: { name: given.name, context: given.context as { [name: string]: Json } } }), // it came as JSON
  }
}

export type SubjectView = { readonly type: string; readonly id: string; readonly relation?: string }

export function subjectView(subject: Tuple['subject']): SubjectView {
  const { subject_type: type, subject_id, subject_relation: relation } = subjectColumns(subject)
  return { type, id: subject_id, ...(relation === '' ? {} : { relation }) }
}

export const tupleView = ({ resource, relation, subject, until: end, condition: held, reason }: StoredTuple) => ({
  resource: { type: resource.type, id: resource.id },
  relation,
  subject: { ...subjectView(subject) },
  ...(end === undefined ? {} : { until: iso(end) }),
  ...(held === undefined ? {} : { condition: { ...held } }),
  ...(reason === undefined ? {} : { reason }),
})

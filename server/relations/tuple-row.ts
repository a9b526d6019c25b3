import {
  type EntityValue,
  type Json,
  type Program,
  parseStrictJson,
  readStoredParameters,
  type Tuple,
} from '../../policy-lang/index.ts'

/** A row of the table `relation`: tuples and role assignments alike. */
export type TupleRow = {
  readonly resource_type: string
  readonly resource_id: string
  readonly relation: string
  readonly subject_type: string
  readonly subject_id: string
  readonly subject_relation: string
  readonly until: Date | null
  readonly reason: string | null
  readonly condition_name: string | null
  /** JSON text, so that no digit of a number is lost. */
  readonly condition_context: string | null
}

/** A tuple as it is stored: parameters of its condition are JSON until a program says their types. */
export type UntypedTuple = BareTuple & { readonly condition?: UntypedCondition }
export type BareTuple = Omit<Tuple, 'condition'>
export type UntypedCondition = { readonly name: string; readonly context: { readonly [name: string]: Json } }

/** Written `*`: no type and no id of an entity is spelled so. */
export const wildcard = '*'

/** How the subject of a tuple stands in its columns. */
export function subjectColumns(
  subject: Tuple['subject'],
): Pick<TupleRow, 'subject_type' | 'subject_id' | 'subject_relation'> {
  switch (subject.kind) {
    case 'anyone':
      return { subject_type: wildcard, subject_id: wildcard, subject_relation: '' }
    case 'anyOf':
      return { subject_type: subject.type, subject_id: wildcard, subject_relation: '' }
    case 'one':
      return {
        subject_type: subject.entity.type,
        subject_id: subject.entity.id,
        subject_relation: subject.relation ?? '',
      }
  }
}

export function tupleOf(row: TupleRow): UntypedTuple {
  const { condition_name: name, condition_context: context } = row
  return { ...bareTupleOf(row), ...(name === null ? {} : { condition: { name, context: parametersOf(context) } }) }
}

/** Undefined parameters are of another type than the program declares: they count as missing (SPEC 3.3). */
export function typedTuple(program: Program, { condition, ...bare }: UntypedTuple): Tuple {
  if (!condition) return bare
  const { name } = condition
  return { ...bare, condition: { name, context: readStoredParameters(program, name, condition.context) } }
}

const parameterDepth = 64

function parametersOf(text: string | null): UntypedCondition['context'] {
  const parsed = parseStrictJson(text ?? '{}', { allowNul: true, depth: parameterDepth })
  return parsed.ok ? (parsed.value as UntypedCondition['context']) : {} // written from an object
}

/** Names the tuple and says when it ends: for rows that have no condition, or where it does not matter. */
export function bareTupleOf(
  row: Pick<TupleRow, Exclude<keyof TupleRow, 'reason' | 'condition_name' | 'condition_context'>>,
): BareTuple {
  return {
    resource: entity(row.resource_type, row.resource_id),
    relation: row.relation,
    subject: subjectOf(row),
    ...(row.until ? { until: row.until.getTime() } : {}),
  }
}

function subjectOf(row: Pick<TupleRow, 'subject_type' | 'subject_id' | 'subject_relation'>): Tuple['subject'] {
  if (row.subject_type === wildcard) return { kind: 'anyone' }
  if (row.subject_id === wildcard) return { kind: 'anyOf', type: row.subject_type }
  return {
    kind: 'one',
    entity: entity(row.subject_type, row.subject_id),
    ...(row.subject_relation === '' ? {} : { relation: row.subject_relation }),
  }
}

/** Names a tuple among others: everything but `until` and the condition. */
export function tupleKey(tuple: Pick<Tuple, 'resource' | 'relation' | 'subject'>): string {
  const { subject_type, subject_id, subject_relation } = subjectColumns(tuple.subject)
  const { resource, relation } = tuple
  return JSON.stringify([resource.type, resource.id, relation, subject_type, subject_id, subject_relation])
}

const entity = (type: string, id: string): EntityValue => ({ kind: 'entity', type, id })

import type { EntityValue, Tuple } from '../../policy-lang/index.ts'

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
}

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

export function tupleOf(row: TupleRow): Tuple {
  return {
    resource: entity(row.resource_type, row.resource_id),
    relation: row.relation,
    subject: subjectOf(row),
    ...(row.until ? { until: row.until.getTime() } : {}),
  }
}

function subjectOf(row: TupleRow): Tuple['subject'] {
  if (row.subject_type === wildcard) return { kind: 'anyone' }
  if (row.subject_id === wildcard) return { kind: 'anyOf', type: row.subject_type }
  return {
    kind: 'one',
    entity: entity(row.subject_type, row.subject_id),
    ...(row.subject_relation === '' ? {} : { relation: row.subject_relation }),
  }
}

/** Names a tuple among others: everything but `until`. */
export function tupleKey(tuple: Tuple): string {
  const { subject_type, subject_id, subject_relation } = subjectColumns(tuple.subject)
  const { resource, relation } = tuple
  return JSON.stringify([resource.type, resource.id, relation, subject_type, subject_id, subject_relation])
}

const entity = (type: string, id: string): EntityValue => ({ kind: 'entity', type, id })

import { type Program, readTuples, type Tuple } from '../../policy-lang/index.ts'
import { suggest } from '../cli/suggest.ts'
import { subjectColumns } from './tuple-row.ts'

/** Why a tuple may not be written, and which member is wrong. */
export type TupleMistake = { readonly pointer: string; readonly code: string; readonly message: string }

/**
 * Every tuple is checked against the active program (admin.md §7): known type, stored relation, allowed holder. `isStoredRole`:
 * a role that administrators invented, which any subject may have (SPEC 3, `permitted of`).
 */
export function checkTuple(
  program: Program,
  tuple: Tuple,
  isStoredRole: (type: string, name: string) => boolean,
): TupleMistake | undefined {
  const { resource, relation, subject } = tuple
  const type = program.entityTypes.get(resource.type)
  if (!type) {
    const nearest = suggest(resource.type, [...program.entityTypes.keys()])
    return mistake('/resource/type', 'unknown_type', `There is no entity type ${resource.type}${didYouMean(nearest)}.`)
  }
  const declared = type.relations.get(relation)
  if (!declared) {
    if (isStoredRole(resource.type, relation)) return undefined
    const nearest = suggest(relation, [...type.relations.keys()])
    return mistake(
      '/relation',
      'unknown_relation',
      `${type.name} declares no relation ${relation}${didYouMean(nearest)}.`,
    )
  }
  if (declared.kind === 'computed') {
    return mistake('/relation', 'computed_relation', `${type.name}.${relation} is computed; no tuple fills it.`)
  }
  const { subject_type, subject_id, subject_relation } = subjectColumns(subject)
  const row = {
    resource: { type: resource.type, id: resource.id },
    relation,
    subject:
      subject.kind === 'anyone'
        ? 'anyone'
        : { type: subject_type, id: subject_id, ...(subject_relation === '' ? {} : { relation: subject_relation }) },
  }
  const [problem] = readTuples(program, [row]).problems
  if (!problem) return undefined
  const holders = declared.holders.map(({ kind, type: name, relation: of, condition }) =>
    [kind === 'anyOf' ? 'any ' : '', name ?? 'anyone', of ? `.${of}` : '', condition ? ` if ${condition}` : ''].join(
      '',
    ),
  )
  return mistake('/subject', 'holder_not_allowed', `${type.name}.${relation} is held by ${holders.join(' | ')}.`)
}

const mistake = (pointer: string, code: string, message: string): TupleMistake => ({ pointer, code, message })
const didYouMean = (nearest: string | undefined): string => (nearest === undefined ? '' : ` (did you mean ${nearest}?)`)

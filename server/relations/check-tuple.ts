import { type Json, type Program, readStoredParameters, readTuples } from '../../policy-lang/index.ts'
import { suggest } from '../cli/suggest.ts'
import { subjectColumns, type UntypedCondition, type UntypedTuple } from './tuple-row.ts'

/** Why a tuple may not be written, and which member is wrong. */
export type TupleMistake = { readonly pointer: string; readonly code: string; readonly message: string }

/**
 * Every tuple is checked against the active program (admin.md §7): known type, stored relation, allowed holder. `isStoredRole`:
 * a role that administrators invented, which any subject may have (SPEC 3, `permitted of`).
 */
export function checkTuple(
  program: Program,
  tuple: UntypedTuple,
  isStoredRole: (type: string, name: string) => boolean,
): TupleMistake | undefined {
  const { resource, relation } = tuple
  const type = program.entityTypes.get(resource.type)
  if (!type) {
    const nearest = suggest(resource.type, [...program.entityTypes.keys()])
    return mistake('/resource/type', 'unknown_type', `There is no entity type ${resource.type}${didYouMean(nearest)}.`)
  }
  const declared = type.relations.get(relation)
  if (!declared) {
    if (isStoredRole(resource.type, relation)) return onRole(tuple)
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
  const refused = declared.role ? onRole(tuple) : undefined
  if (refused) return refused
  const wrong = tuple.condition && conditionMistake(program, tuple.condition)
  if (wrong) return wrong
  const [problem] = readTuples(program, [rowOf(tuple)]).problems
  if (!problem) return undefined
  const holders = declared.holders.map(({ kind, type: name, relation: of, condition }) =>
    [kind === 'anyOf' ? 'any ' : '', name ?? 'anyone', of ? `.${of}` : '', condition ? ` if ${condition}` : ''].join(
      '',
    ),
  )
  return mistake('/subject', 'holder_not_allowed', `${type.name}.${relation} is held by ${holders.join(' | ')}.`)
}

/** Inheritance gives a role for several reasons at once, which one condition cannot stand for. */
const onRole = ({ condition }: UntypedTuple): TupleMistake | undefined =>
  condition && mistake('/condition', 'condition_on_role', 'A role is given without a condition.')

/** The tuple in the form that data files have (import-cli: data). */
function rowOf({ resource, relation, subject, condition }: UntypedTuple): Json {
  const { subject_type, subject_id, subject_relation } = subjectColumns(subject)
  return {
    resource: { type: resource.type, id: resource.id },
    relation,
    subject:
      subject.kind === 'anyone'
        ? 'anyone'
        : { type: subject_type, id: subject_id, ...(subject_relation === '' ? {} : { relation: subject_relation }) },
    ...(condition ? { condition: { name: condition.name, context: condition.context } } : {}),
  }
}

/** A parameter of another type would count as missing later: it is said now. */
function conditionMistake(program: Program, { name, context }: UntypedCondition): TupleMistake | undefined {
  const declared = program.tupleConditions.get(name)
  if (!declared) {
    const nearest = suggest(name, [...program.tupleConditions.keys()])
    return mistake('/condition/name', 'unknown_condition', `No relation is held if ${name}${didYouMean(nearest)}.`)
  }
  const known = declared.params.map((param) => param.name)
  const stray = Object.keys(context).find((given) => !known.includes(given))
  if (stray !== undefined) {
    const nearest = suggest(stray, known)
    return mistake(`/condition/context/${stray}`, 'unknown_parameter', `${name} has no ${stray}${didYouMean(nearest)}.`)
  }
  const mistyped = [...readStoredParameters(program, name, context)].find(([, value]) => value === undefined)
  return mistyped && mistake(`/condition/context/${mistyped[0]}`, 'wrong_type', `${mistyped[0]} has the wrong type.`)
}

const mistake = (pointer: string, code: string, message: string): TupleMistake => ({ pointer, code, message })
const didYouMean = (nearest: string | undefined): string => (nearest === undefined ? '' : ` (did you mean ${nearest}?)`)

import { actionKey, type Program } from '../../../policy-lang/index.ts'
import type { ListedAction } from './check-lists.ts'

/** Is the list decided by the same rules over the same types in both programs? Where it is not sure, it is not. */
export function meansTheSame(one: Program, other: Program, list: ListedAction): boolean {
  const isKnown = [...other.entityTypes].every(
    ([name, type]) => textOf(one, one.entityTypes.get(name)) === textOf(other, type),
  )
  // A type that only one has is reached by no rule that both have.
  return isKnown && textOf(one, rulesOf(one, list)) === textOf(other, rulesOf(other, list))
}

const rulesOf = (program: Program, { action, type }: ListedAction) => {
  const key = actionKey(action, type)
  const entries = program.partitions.get(key) ?? []
  return {
    action: program.actions.get(key),
    rules: entries.map(({ rule, ...entry }) => ({ ...entry, rule: program.rules[rule] })),
    conditions: program.tupleConditions,
    delegates: program.delegates,
  }
}

/** Where something stands is no part of what it means; neither is how many types "any type" are. */
const textOf = (program: Program, value: unknown): string =>
  JSON.stringify(value, (key, member: unknown) => {
    if (key === 'span') return undefined
    if (key === 'types' && Array.isArray(member) && isEvery(program, member)) return 'every'
    if (typeof member === 'bigint') return `${member}n`
    return member instanceof Map ? [...member] : member
  }) ?? ''

const isEvery = ({ entityTypes }: Program, types: readonly unknown[]): boolean =>
  types.length >= entityTypes.size && [...entityTypes.keys()].every((type) => types.includes(type))

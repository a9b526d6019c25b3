import type { Type } from '../ir/types.ts'

/** Why values of `before` may not be values of `after`, in words; empty where each still is one. */
export function narrows(before: Type, after: Type): readonly string[] {
  if (after.kind === 'string' && before.kind === 'enum') return []
  if (before.kind !== after.kind) return [`was ${before.kind}, is ${after.kind}`]
  if (before.kind === 'enum' && after.kind === 'enum') {
    const reordered =
      before.ordered && (!after.ordered || !isSubsequence(before.values, after.values)) ? ['changes its order'] : []
    return [...lost(before.values, after.values).map((value) => `no longer takes "${value}"`), ...reordered]
  }
  if (before.kind === 'entity' && after.kind === 'entity') {
    return lost(before.types, after.types).map((type) => `no longer takes ${type}`)
  }
  if ((before.kind === 'set' && after.kind === 'set') || (before.kind === 'map' && after.kind === 'map')) {
    return narrows(before.of, after.of).map((detail) => `members: ${detail}`)
  }
  if (before.kind === 'record' && after.kind === 'record') return recordNarrows(before, after)
  return []
}

type RecordType = Type & { readonly kind: 'record' }

function recordNarrows(before: RecordType, after: RecordType): readonly string[] {
  const kept = Object.entries(before.fields).flatMap(([name, field]) => {
    const now = Object.hasOwn(after.fields, name) ? after.fields[name] : undefined
    if (!now) return [`has no ${name} any more`]
    const required = field.optional && !now.optional ? [`${name}: is required now`] : []
    return [...required, ...narrows(field.type, now.type).map((detail) => `${name}: ${detail}`)]
  })
  const added = Object.entries(after.fields)
    .filter(([name, field]) => !field.optional && !Object.hasOwn(before.fields, name))
    .map(([name]) => `needs ${name} now`)
  return [...kept, ...added]
}

const lost = (before: readonly string[], after: readonly string[]): readonly string[] =>
  before.filter((value) => !after.includes(value))

/** Those values of `before` that are left stand in the same order. */
const isSubsequence = (before: readonly string[], after: readonly string[]): boolean => {
  const left = before.filter((value) => after.includes(value))
  return after.filter((value) => left.includes(value)).every((value, index) => value === left[index])
}

import type { CheckedDeclarations } from '../check/check-declarations.ts'
import type { CheckedSet } from '../check/check-set.ts'
import type { FilePlaces } from '../source/places.ts'
import { canonicalText, programHash } from './canonical.ts'
import { lowerActions, lowerEntities, sortedMap } from './lower-schema.ts'
import type { PartitionEntry, Program } from './program.ts'

type Sources = {
  readonly version: string
  readonly edition: number
  readonly files: readonly string[]
  readonly places: readonly FilePlaces[]
}

/** What declarations alone make of a program. */
export type Schema = Pick<Program, 'entityTypes' | 'actions' | 'externs' | 'advice' | 'tupleConditions' | 'delegates'>

export function lowerSchema({ environment, externs, tupleConditions, delegates }: CheckedDeclarations): Schema {
  const keyed = delegates.map((delegate) => ({
    delegate,
    key: `${delegate.layer} ${JSON.stringify(delegate.actions)} ${canonicalText(delegate.condition)}`,
  }))
  return {
    entityTypes: lowerEntities(environment),
    actions: lowerActions(environment),
    externs: sortedMap([...externs]),
    advice: sortedMap(
      [...environment.advice.values()].map((info) => [
        info.name,
        { name: info.name, params: Object.fromEntries(info.params) },
      ]),
    ),
    tupleConditions: sortedMap([...tupleConditions]),
    delegates: keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ delegate }) => delegate),
  }
}

/** The program of a set without mistakes; its hash does not depend on the order of anything (SPEC 6, identity). */
export function lowerProgram(
  schema: Schema,
  checked: CheckedSet,
  partitions: ReadonlyMap<string, readonly PartitionEntry[]>,
  { version, edition, files, places }: Sources,
): Program {
  const byTitle = <T extends { title: string }>(a: T, b: T) => (a.title < b.title ? -1 : a.title > b.title ? 1 : 0)
  const program: Omit<Program, 'hash' | 'sourceVersion'> = {
    edition,
    files,
    places,
    ...schema,
    rules: checked.drafts.map((draft) => draft.rule),
    partitions: sortedMap([...partitions]),
    tests: [...checked.tests].sort(byTitle),
    proofs: [...checked.proofs].sort(byTitle),
  }
  const digests = checked.drafts.map((draft) => draft.digest)
  return { hash: programHash(program, digests), sourceVersion: version, ...program }
}

import type { CheckedSet } from '../check/check-set.ts'
import type { Environment } from '../resolve/environment.ts'
import { canonicalText, programHash } from './canonical.ts'
import { lowerActions, lowerEntities, sortedMap } from './lower-schema.ts'
import type { PartitionEntry, Program } from './program.ts'

type Sources = { readonly version: string; readonly files: readonly string[] }

/** The program of a set without mistakes; its hash does not depend on the order of anything (SPEC 6, identity). */
export function lowerProgram(
  environment: Environment,
  checked: CheckedSet,
  partitions: ReadonlyMap<string, readonly PartitionEntry[]>,
  sources: Sources,
): Program {
  const byTitle = <T extends { title: string }>(a: T, b: T) => (a.title < b.title ? -1 : a.title > b.title ? 1 : 0)
  const delegates = checked.delegates.map((delegate) => ({
    delegate,
    key: `${delegate.layer} ${JSON.stringify(delegate.actions)} ${canonicalText(delegate.condition)}`,
  }))
  const program: Omit<Program, 'hash' | 'sourceVersion'> = {
    files: sources.files,
    entityTypes: lowerEntities(environment),
    actions: lowerActions(environment),
    externs: sortedMap([...checked.externs]),
    advice: sortedMap(
      [...environment.advice.values()].map((info) => [
        info.name,
        { name: info.name, params: Object.fromEntries(info.params) },
      ]),
    ),
    tupleConditions: sortedMap([...checked.tupleConditions]),
    rules: checked.drafts.map((draft) => draft.rule),
    delegates: delegates.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ delegate }) => delegate),
    partitions: sortedMap([...partitions]),
    tests: [...checked.tests].sort(byTitle),
    proofs: [...checked.proofs].sort(byTitle),
  }
  return { hash: programHash(program), sourceVersion: sources.version, ...program }
}

import { isKnownEdition, knownEditions, newestEdition } from '../../policy-lang/index.ts'
import { UsageMistake } from './usage-mistake.ts'

/** The edition of the set (SPEC 6.12): a field of the set, which files on disk say by this flag. Default: the newest. */
export function readEdition(text: string | undefined): number {
  if (text === undefined) return newestEdition
  const edition = Number(text)
  if (!isKnownEdition(edition)) throw new UsageMistake(`--edition is one of ${knownEditions()}, not "${text}"`)
  return edition
}

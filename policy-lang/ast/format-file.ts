import { upgradeTree } from '../editions.ts'
import { parseFile } from '../grammar/parse.ts'
import type { Diagnostic } from '../source/diagnostic.ts'
import { makeSourceFile } from '../source/source-file.ts'
import { formatTree } from './format.ts'

/** The edition that a file is of, and the one that it shall be of (SPEC 6.12). */
export type Editions = { readonly from: number; readonly to: number }

/**
 * `writ fmt`: the canonical form of a policy file. A file with errors comes back as it was, with the errors: nothing that
 * could not be read is rewritten.
 */
export function formatFile(
  text: string,
  path = 'policy.fbac',
  editions?: Editions,
): { text: string; diagnostics: Diagnostic[] } {
  const { source } = makeSourceFile(0, path, text)
  const { file, diagnostics } = parseFile(source)
  if (diagnostics.length > 0) return { text, diagnostics }
  const tree = editions ? upgradeTree(file, editions.from, editions.to) : file
  return { text: formatTree(tree, source), diagnostics }
}

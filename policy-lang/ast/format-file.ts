import { parseFile } from '../grammar/parse.ts'
import type { Diagnostic } from '../source/diagnostic.ts'
import { makeSourceFile } from '../source/source-file.ts'
import { formatTree } from './format.ts'

/**
 * `writ fmt`: the canonical form of a policy file. A file with errors comes back as it was, with the errors: nothing that
 * could not be read is rewritten.
 */
export function formatFile(text: string, path = 'policy.fbac'): { text: string; diagnostics: Diagnostic[] } {
  const { source } = makeSourceFile(0, path, text)
  const { file, diagnostics } = parseFile(source)
  return diagnostics.length > 0 ? { text, diagnostics } : { text: formatTree(file, source), diagnostics }
}

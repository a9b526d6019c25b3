import { randomBytes } from 'node:crypto'
import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { formatFile, makeSourceFile } from '../../policy-lang/index.ts'
import { exit } from './exit-codes.ts'
import type { CommandIo } from './io.ts'
import { readEdition } from './read-edition.ts'
import { readOptions } from './read-options.ts'
import { readPolicies } from './read-policies.ts'
import { hasErrors, reportDiagnostics } from './report-diagnostics.ts'

export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals, format } = readOptions(args, {
    check: { type: 'boolean' },
    edition: { type: 'string' },
  })
  const to = readEdition(values.edition)
  // Without the flag nothing is upgraded.
  const editions = values.edition === undefined ? undefined : { from: Math.max(1, to - 1), to }
  const changed: string[] = []
  const broken: string[] = []
  for (const { path, text } of readPolicies(positionals, io.folder)) {
    const { source, diagnostics } = makeSourceFile(0, path, text)
    const formatted = formatFile(source.text, path, editions)
    const mistakes = [...diagnostics, ...formatted.diagnostics]
    if (hasErrors(mistakes)) {
      // What cannot be read cannot be laid out; the file stays as it is.
      broken.push(path)
      if (format === 'text') reportDiagnostics(mistakes, [source], io)
      continue
    }
    if (formatted.text === text) continue
    changed.push(path)
    if (!values.check) replaceFile(resolve(io.folder, path), formatted.text)
  }
  if (format === 'json') await io.out(`${JSON.stringify({ changed, broken })}\n`)
  else for (const path of changed) io.error(`${values.check ? 'would change' : 'formatted'} ${path}\n`)
  if (broken.length > 0) return exit.no
  return values.check && changed.length > 0 ? exit.no : exit.fine
}

/** Whole or not at all: a kill in between leaves the old file. */
function replaceFile(path: string, text: string): void {
  const beside = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    writeFileSync(beside, text, { flag: 'wx', mode: statSync(path).mode })
    renameSync(beside, path)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}

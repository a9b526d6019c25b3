import { readdirSync, readFileSync } from 'node:fs'
import type { PolicyFile } from '../../../policy-lang/index.ts'
import { compileProgram } from '../../../policy-lang/index.ts'
import { lineStarts, positionOf } from '../../../policy-lang/source/position.ts'

/** One text of the corpus: its clause, its files, and what the compiler must say about them. */
export type Case = {
  readonly name: string
  readonly clause: string
  readonly files: readonly PolicyFile[]
  readonly expected: readonly string[]
}

/**
 * Cases of one folder. A file begins with `// SPEC <clause>`, then `// expect …` lines; `// file: <path>` begins another file
 * of the set.
 */
export function readCases(folder: 'refused' | 'accepted' | 'decided'): readonly Case[] {
  const url = new URL(`${folder}/`, import.meta.url)
  const names = readdirSync(url).filter((name) => name.endsWith('.fbac'))
  return names.sort().map((name) => readCase(name, readFileSync(new URL(name, url), 'utf8')))
}

/** What the compiler says: `code path:line:column message; note; help`. */
export function saidAbout(files: readonly PolicyFile[]): readonly string[] {
  const { diagnostics, sources } = compileProgram(files)
  return diagnostics.map((entry) => {
    const source = sources.find((file) => file.id === entry.span.file)
    const text = source?.text ?? ''
    const { line, column } = positionOf(text, lineStarts(text), entry.span.start)
    const notes = entry.notes.map((note) => `; note: ${note.message}`).join('')
    const help = entry.help === undefined ? '' : `; help: ${entry.help}`
    return `${entry.code} ${source?.path}:${line}:${column} ${entry.message}${notes}${help}`
  })
}

function readCase(name: string, text: string): Case {
  const lines = text.split('\n')
  const expected = lines.flatMap((line) => /^\/\/ expect (.*)$/.exec(line)?.[1] ?? [])
  const body = lines.filter((line) => !line.startsWith('// expect ') && !line.startsWith('// SPEC '))
  const files: { path: string; lines: string[] }[] = []
  for (const line of body) {
    const path = /^\/\/ file: (.*)$/.exec(line)?.[1]
    if (path !== undefined || files.length === 0) files.push({ path: path ?? name, lines: [] })
    if (path === undefined) files.at(-1)?.lines.push(line)
  }
  const clause = /^\/\/ (SPEC .*)$/.exec(lines[0] ?? '')?.[1] ?? ''
  return { name, clause, files: files.map((file) => ({ path: file.path, text: file.lines.join('\n') })), expected }
}

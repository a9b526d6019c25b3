import { watch } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { compileProgram, diagnosticsToJson } from '../../policy-lang/index.ts'
import { exit } from './exit-codes.ts'
import type { CommandIo } from './io.ts'
import { readOptions } from './read-options.ts'
import { readPolicies, readShippedPolicies } from './read-policies.ts'
import { hasErrors, reportDiagnostics } from './report-diagnostics.ts'
import { UsageMistake } from './usage-mistake.ts'

export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals, format } = readOptions(args, {
    watch: { type: 'boolean' },
    shipped: { type: 'boolean' },
  })
  const check = () => checkOnce(positionals, values.shipped === true, { format, io })
  const code = await check()
  if (!values.watch) return code
  await watchFiles(positionals, io, check)
  return exit.fine
}

async function checkOnce(
  paths: readonly string[],
  isShipped: boolean,
  { format, io }: { readonly format: string; readonly io: CommandIo },
): Promise<number> {
  const own = readPolicies(paths, io.folder)
  const { diagnostics, sources } = compileProgram([...(isShipped ? readShippedPolicies() : []), ...own])
  if (format === 'json') await io.out(`${JSON.stringify({ diagnostics: diagnosticsToJson(diagnostics, sources) })}\n`)
  else reportDiagnostics(diagnostics, sources, io)
  const isWrong = hasErrors(diagnostics)
  if (!isWrong && format === 'text') io.error(`${own.length} file${own.length === 1 ? '' : 's'} checked\n`)
  return isWrong ? exit.no : exit.fine
}

/** Checks again after each burst of changes, until the process is told to stop. */
async function watchFiles(paths: readonly string[], io: CommandIo, check: () => Promise<number>): Promise<void> {
  const stop = io.stopSignal()
  let timer: ReturnType<typeof setTimeout> | undefined
  const again = () => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      // A file may be away for a moment while an editor replaces it; the next change looks again.
      check().catch((error) => io.error(`${error instanceof UsageMistake ? error.message : String(error)}\n`))
    }, 50)
  }
  const watchers = paths.map((path) => watchPath(resolve(io.folder, path), again))
  io.error('watching; Ctrl-C ends\n')
  await new Promise<void>((done) => {
    if (stop.aborted) done()
    stop.addEventListener('abort', () => done(), { once: true })
  })
  clearTimeout(timer)
  for (const watcher of watchers) watcher.close()
}

/** Folders are watched whole; a file by its folder, because editors replace files. */
function watchPath(path: string, changed: () => void): { close(): void } {
  const isPolicy = path.endsWith('.fbac')
  return watch(isPolicy ? dirname(path) : path, { recursive: !isPolicy }, (_, name) => {
    if (name === null || name.endsWith('.fbac')) changed()
  })
}

import { diagnosticsToJson } from '../../policy-lang/index.ts'
import { type Compiler, createCompiler } from './compile-watched.ts'
import { exit } from './exit-codes.ts'
import type { CommandIo } from './io.ts'
import { readOptions } from './read-options.ts'
import { readPolicies, readShippedPolicies } from './read-policies.ts'
import { hasErrors, reportDiagnostics } from './report-diagnostics.ts'
import { watchFiles } from './watch-files.ts'

export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals, format } = readOptions(args, {
    watch: { type: 'boolean' },
    shipped: { type: 'boolean' },
  })
  const compile = createCompiler()
  const check = () => checkOnce(positionals, values.shipped === true, { format, io, compile })
  const code = await check()
  if (!values.watch) return code
  await watchFiles(positionals, io, check)
  return exit.fine
}

async function checkOnce(
  paths: readonly string[],
  isShipped: boolean,
  { format, io, compile }: { readonly format: string; readonly io: CommandIo; readonly compile: Compiler },
): Promise<number> {
  const own = readPolicies(paths, io.folder)
  const { diagnostics, sources } = compile([...(isShipped ? readShippedPolicies() : []), ...own])
  if (format === 'json') await io.out(`${JSON.stringify({ diagnostics: diagnosticsToJson(diagnostics, sources) })}\n`)
  else reportDiagnostics(diagnostics, sources, io)
  const isWrong = hasErrors(diagnostics)
  if (!isWrong && format === 'text') io.error(`${own.length} file${own.length === 1 ? '' : 's'} checked\n`)
  return isWrong ? exit.no : exit.fine
}

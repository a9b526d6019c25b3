import { diagnosticsToJson } from '../../policy-lang/index.ts'
import { type Compiler, createCompiler } from './compile-watched.ts'
import { exit } from './exit-codes.ts'
import type { CommandIo } from './io.ts'
import { watchLongWork } from './long-work.ts'
import { readEdition } from './read-edition.ts'
import { readOptions } from './read-options.ts'
import { readPolicies, readShippedPolicies, sizeOf } from './read-policies.ts'
import { hasErrors, reportDiagnostics } from './report-diagnostics.ts'
import { watchFiles } from './watch-files.ts'

export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals, format } = readOptions(args, {
    watch: { type: 'boolean' },
    shipped: { type: 'boolean' },
    edition: { type: 'string' },
    progress: { type: 'boolean' },
  })
  const asked = {
    paths: positionals,
    isShipped: values.shipped === true,
    isProgressAsked: values.progress === true,
    format,
    compile: createCompiler(readEdition(values.edition)),
  }
  const check = () => checkOnce(asked, io)
  const code = await check()
  if (!values.watch) return code
  await watchFiles(positionals, io, check)
  return exit.fine
}

type Asked = {
  readonly paths: readonly string[]
  readonly isShipped: boolean
  readonly isProgressAsked: boolean
  readonly format: string
  readonly compile: Compiler
}

async function checkOnce(asked: Asked, io: CommandIo): Promise<number> {
  const { paths, isShipped, format, compile } = asked
  const own = readPolicies(paths, io.folder)
  const work = watchLongWork(io, { size: sizeOf(own), isAsked: asked.isProgressAsked })
  const { diagnostics, sources } = compile([...(isShipped ? readShippedPolicies() : []), ...own])
  work.end()
  if (format === 'json') await io.out(`${JSON.stringify({ diagnostics: diagnosticsToJson(diagnostics, sources) })}\n`)
  else reportDiagnostics(diagnostics, sources, io)
  const isWrong = hasErrors(diagnostics)
  if (!isWrong && format === 'text') io.error(`${own.length} file${own.length === 1 ? '' : 's'} checked\n`)
  return isWrong ? exit.no : exit.fine
}

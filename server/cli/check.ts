import { diagnosticsToJson } from '../../policy-lang/index.ts'
import { exit } from './exit-codes.ts'
import type { CommandIo } from './io.ts'
import { watchLongWork } from './long-work.ts'
import { readPolicies, readShippedPolicies, sizeOf } from './read-policies.ts'
import { hasErrors, reportDiagnostics } from './report-diagnostics.ts'
import { runWatched, type WatchedAsk } from './run-watched.ts'

export const run = (args: readonly string[], io: CommandIo): Promise<number> => runWatched(args, io, checkOnce)

async function checkOnce(asked: WatchedAsk, io: CommandIo): Promise<number> {
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

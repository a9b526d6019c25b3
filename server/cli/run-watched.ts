import { type Compiler, createCompiler } from './compile-watched.ts'
import { exit } from './exit-codes.ts'
import type { CommandIo } from './io.ts'
import { readEdition } from './read-edition.ts'
import { readOptions } from './read-options.ts'
import { watchFiles } from './watch-files.ts'

/** What `check` and `test` are asked; `compile` remembers, so that the next round compiles what has changed. */
export type WatchedAsk = {
  readonly paths: readonly string[]
  readonly isShipped: boolean
  readonly isProgressAsked: boolean
  readonly format: string
  readonly compile: Compiler
}

/** Once, and with `--watch` again at every change of the files until the command is stopped. */
export async function runWatched(
  args: readonly string[],
  io: CommandIo,
  once: (asked: WatchedAsk, io: CommandIo) => Promise<number>,
): Promise<number> {
  const { values, positionals, format } = readOptions(args, {
    watch: { type: 'boolean' },
    shipped: { type: 'boolean' },
    edition: { type: 'string' },
    progress: { type: 'boolean' },
  })
  const asked: WatchedAsk = {
    paths: positionals,
    isShipped: values.shipped === true,
    isProgressAsked: values.progress === true,
    format,
    compile: createCompiler(readEdition(values.edition)),
  }
  const code = await once(asked, io)
  if (!values.watch) return code
  await watchFiles(positionals, io, () => once(asked, io))
  return exit.fine
}

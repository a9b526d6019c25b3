// The composition root: the command line, which imports what a command needs when it runs. A server is put together in
// server/start.ts from the areas and modules of areas.ts.
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

// ORDER: before anything else is imported, so that the second start reads compiled code. Inside the package, because a folder
// that other users of the machine may write to would let them choose our code.
enableCompileCache(fileURLToPath(new URL('./node_modules/.cache/writ', import.meta.url)))

const { processIo } = await import('./server/cli/io.ts')
const { runCommandLine } = await import('./server/cli/run.ts')

process.exitCode = await runCommandLine(
  process.argv.slice(2),
  processIo(async () => (await import('./areas.ts')).areas),
)
// A handle that somebody left open must not keep a finished command alive.
setTimeout(() => process.exit(), 1000).unref()

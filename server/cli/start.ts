import { ConfigurationError, readConfig } from '../config/read-config.ts'
import { startServer } from '../start.ts'
import { StartMistake } from '../start-mistake.ts'
import { exit } from './exit-codes.ts'
import type { CommandIo } from './io.ts'

/** `writ start`: serves until SIGINT or SIGTERM, then finishes what it has begun and answers 0. */
export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  // Heard from the first moment: a signal during the start is obeyed as soon as there is something to stop.
  const stopped = io.stopSignal()
  try {
    const config = readConfig({ args, env: io.environment, cwd: io.folder })
    const server = await startServer({ config, tell: (text) => void io.out(`${text}\n`) })
    await io.out(`Writ is ready at ${server.issuer}\n`)
    if (!stopped.aborted) await new Promise((resolve) => stopped.addEventListener('abort', resolve, { once: true }))
    await server.stop()
    return exit.fine
  } catch (error) {
    if (!(error instanceof ConfigurationError || error instanceof StartMistake)) throw error
    io.error(`writ: ${error.message}\n`)
    return error instanceof StartMistake ? error.exitCode : exit.misuse
  }
}

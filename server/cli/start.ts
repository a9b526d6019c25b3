import { ConfigurationError, readConfig } from '../config/read-config.ts'
import { startServer } from '../start.ts'
import { StartMistake } from '../start-mistake.ts'
import { exit } from './exit-codes.ts'
import { giveBackMemory } from './give-back-memory.ts'
import type { CommandIo } from './io.ts'

/** `writ start`: serves until SIGINT or SIGTERM, then finishes what it has begun and answers 0. */
export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  // Heard from the first moment: a signal during the start ends it.
  const stopped = io.stopSignal()
  try {
    const config = readConfig({ args, env: io.environment, cwd: io.folder })
    const starting = startServer({
      config,
      tell: (text) => void io.out(`${text}\n`),
      areas: io.areas,
    })
    const server = await Promise.race([starting, abortOf(stopped)])
    // Nothing was acknowledged yet: what has begun may simply end.
    if (!server) return exit.fine
    await io.out(`Writ is ready at ${server.issuer}\n`)
    giveBackMemory()
    await abortOf(stopped)
    await server.stop()
    return exit.fine
  } catch (error) {
    if (!(error instanceof ConfigurationError || error instanceof StartMistake)) throw error
    io.error(`writ: ${error.message}\n`)
    return error instanceof StartMistake ? error.exitCode : exit.misuse
  }
}

const abortOf = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })

import { ConfigurationError, readConfig } from '../config/read-config.ts'
import { migrateServer } from '../maintenance.ts'
import { StartMistake } from '../start-mistake.ts'
import { exit } from './exit-codes.ts'
import type { CommandIo } from './io.ts'

/** `writ migrate`: for whoever brings the schema up before the new version starts. */
export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  try {
    const applied = await migrateServer(readConfig({ args, env: io.environment, cwd: io.folder }), await io.areas())
    await io.out(applied.length === 0 ? 'The schema is up to date.\n' : applied.map((id) => `applied ${id}\n`).join(''))
    return exit.fine
  } catch (error) {
    if (!(error instanceof ConfigurationError || error instanceof StartMistake)) throw error
    io.error(`writ: ${error.message}\n`)
    return error instanceof StartMistake ? error.exitCode : exit.misuse
  }
}

import { conclude, throughDoor } from './change-state.ts'
import type { CommandIo } from './io.ts'
import { readOptions } from './read-options.ts'

/** Writes the state of the default tenant as documents, without secrets (surface.md, CLI). */
export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const { format } = readOptions(args, {})
  return throughDoor(io, async (door) => {
    const outcome = await door.export(format === 'json' ? 'json' : 'yaml')
    return conclude(outcome, io, undefined, (text) => io.out(text.endsWith('\n') ? text : `${text}\n`))
  })
}

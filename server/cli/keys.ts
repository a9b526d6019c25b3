import { conclude, throughDoor } from './change-state.ts'
import type { CommandIo } from './io.ts'
import { readOptions } from './read-options.ts'
import { UsageMistake } from './usage-mistake.ts'

const told = {
  announced: 'published the next keys; they sign after the next rotation, a day from now at the earliest',
  waiting: 'the next keys have been published for less than a day; nothing changed (--now does not wait)',
  rotated: 'the next keys sign from now on',
}

/** `writ keys rotate`: one step of next → current → retired (provider.md §5). */
export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals, format } = readOptions(args, {
    now: { type: 'boolean' },
    compromised: { type: 'boolean' },
  })
  if (positionals.length !== 1 || positionals[0] !== 'rotate') throw new UsageMistake('say what: writ keys rotate')
  return throughDoor(io, async (door) => {
    const rotation = { now: values.now === true, compromised: values.compromised === true }
    return conclude(await door.rotateKeys(rotation), io, undefined, async (result) => {
      await io.out(
        format === 'json' ? `${JSON.stringify(result)}\n` : `${told[result.step]}: ${result.kids.join(', ')}\n`,
      )
    })
  })
}

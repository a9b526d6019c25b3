import { changeState } from './change-state.ts'
import type { CommandIo } from './io.ts'

/** Says what `writ apply` would do (surface.md, CLI). */
export const run = (args: readonly string[], io: CommandIo): Promise<number> => changeState('plan', args, io)

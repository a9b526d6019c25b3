import { changeState } from './change-state.ts'
import type { CommandIo } from './io.ts'

/** Makes the server match YAML documents (surface.md, CLI). */
export const run = (args: readonly string[], io: CommandIo): Promise<number> => changeState('apply', args, io)

import { writeFile } from 'node:fs/promises'
import type { Kernel } from '../kernel.ts'

/**
 * Hands the one-time link to whoever started the server: on the terminal, or in a file that only they can read (admin.md §1). It is
 * a secret for half an hour, so it never goes through the log.
 */
export async function announceSetup(
  { config }: Pick<Kernel, 'config'>,
  address: string,
  tell: (line: string) => void,
): Promise<void> {
  if (config.setupFile !== undefined) {
    await writeFile(config.setupFile, `${address}\n`, { mode: 0o600 })
    return
  }
  tell(`No administrator yet. Make the first one at ${address} (once, within 30 minutes)`)
}

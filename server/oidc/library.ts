import type * as Oidc from 'oidc-provider'
import type { Logger } from 'pino'

/** The protocol library, unforked. Loaded when the first tenant needs it, so that it costs nothing before. */
export type Library = typeof Oidc

/**
 * The library speaks to the console while it loads (it does not know this Node.js yet); a start of ours prints one line only,
 * so what it says goes to the log.
 */
export async function loadLibrary(log: Logger): Promise<Library> {
  const { warn } = console
  console.warn = (text: unknown) => log.debug({ library: 'oidc-provider' }, String(text))
  try {
    return await import('oidc-provider')
  } finally {
    console.warn = warn
  }
}

import type { AreaTable } from '../area.ts'

/** The outside of a command. Answers go to `out`, everything said to a person goes to `error`. */
export type CommandIo = {
  /** Resolves when the reader has taken it. */
  readonly out: (text: string) => Promise<void>
  readonly error: (text: string) => void
  /** Whether what is said may be coloured. */
  readonly color: boolean
  /** The same of answers. */
  readonly colorOut: boolean
  readonly environment: { readonly [name: string]: string | undefined }
  readonly folder: string
  readonly now: () => number
  /** For commands that stay (`--watch`, `start`): from the first call, SIGINT and SIGTERM abort it instead of ending the process. */
  readonly stopSignal: () => AbortSignal
  /** What a server is made of, for commands that start one or touch its database. */
  readonly areas: () => Promise<AreaTable>
}

/** The process's own streams. */
export function processIo(areas: CommandIo['areas']): CommandIo {
  let stop: AbortController | undefined
  // A reader that has seen enough (`| head`) is no mistake.
  process.stdout.on('error', (error) => process.exit('code' in error && error.code === 'EPIPE' ? 0 : 2))
  return {
    out: (text) =>
      new Promise((resolve) => {
        if (process.stdout.write(text)) resolve()
        else process.stdout.once('drain', resolve)
      }),
    error: (text) => void process.stderr.write(text),
    color: isColored(process.stderr),
    colorOut: isColored(process.stdout),
    environment: process.env,
    folder: process.cwd(),
    now: () => Date.now(),
    areas,
    stopSignal() {
      if (stop) return stop.signal
      const controller = new AbortController()
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => controller.abort(signal))
      stop = controller
      return controller.signal
    },
  }
}

/** NO_COLOR: https://no-color.org */
const isColored = (stream: { readonly isTTY?: boolean }): boolean =>
  stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb'

/** The server cannot start as it was told to: one clear line for whoever started it, exit 2 (4: something could not be reached). */
export class StartMistake extends Error {
  readonly exitCode: 2 | 4
  constructor(message: string, options: { readonly cause?: unknown; readonly exitCode?: 2 | 4 } = {}) {
    super(message, { cause: options.cause })
    this.exitCode = options.exitCode ?? 2
  }
}

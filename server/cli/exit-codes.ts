/** What a process of ours says by its end (surface.md, CLI). */
export const exit = {
  fine: 0,
  /** The answer is no: tests failed, a decision denied with `--exit-code`, a file not formatted. */
  no: 1,
  /** Wrong use, an unreadable file, wrong configuration. */
  misuse: 2,
  /** Cannot be expressed. */
  refused: 3,
  /** A server could not be reached, or something took too long. */
  unreachable: 4,
} as const

export type ExitCode = (typeof exit)[keyof typeof exit]

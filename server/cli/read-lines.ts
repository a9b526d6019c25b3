import { createReadStream, statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { UsageMistake } from './usage-mistake.ts'

/** Lines of a file or, for `-`, of standard input, one at a time; empty ones are left out. */
export async function* readLines(path: string): AsyncGenerator<string> {
  if (path !== '-' && !statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new UsageMistake(`there is no file ${path}`)
  const input = path === '-' ? process.stdin : createReadStream(path)
  // Only LF and CRLF end a line; U+2028 may stand in a text.
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() !== '') yield line
  }
}

import { watch } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { CommandIo } from './io.ts'
import { UsageMistake } from './usage-mistake.ts'

/** Does it again after each burst of changes, until the process is told to stop. */
export async function watchFiles(paths: readonly string[], io: CommandIo, again: () => Promise<number>): Promise<void> {
  const stop = io.stopSignal()
  let timer: ReturnType<typeof setTimeout> | undefined
  const changed = () => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      // A file may be away for a moment while an editor replaces it; the next change looks again.
      again().catch((error) => io.error(`${error instanceof UsageMistake ? error.message : String(error)}\n`))
    }, 50)
  }
  const watchers = paths.map((path) => watchPath(resolve(io.folder, path), changed))
  io.error('watching; Ctrl-C ends\n')
  await new Promise<void>((done) => {
    if (stop.aborted) done()
    stop.addEventListener('abort', () => done(), { once: true })
  })
  clearTimeout(timer)
  for (const watcher of watchers) watcher.close()
}

/** Folders are watched whole; a file by its folder, because editors replace files. */
function watchPath(path: string, changed: () => void): { close(): void } {
  const isPolicy = path.endsWith('.fbac')
  return watch(isPolicy ? dirname(path) : path, { recursive: !isPolicy }, (_, name) => {
    if (name === null || name.endsWith('.fbac')) changed()
  })
}

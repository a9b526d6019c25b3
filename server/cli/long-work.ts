import { Worker } from 'node:worker_threads'
import type { CommandIo } from './io.ts'

/** Says how far work is that keeps the process busy. */
export type LongWork = {
  /** Another part of the work begins, of `total` steps where that is known. */
  readonly begin: (words: (typeof parts)[number], total?: number) => void
  readonly step: () => void
  readonly end: () => void
}

/** Places in what both threads see. */
export const seen = { isOver: 0, part: 1, done: 2, total: 3, isShown: 4 } as const
/** What a run may do, in this order; the other thread is told a number. */
export const parts = ['checking', 'testing', 'measuring coverage of'] as const

/** Texts below this many units are done before anybody waits. */
const smallWork = 200_000

/**
 * Nothing in the first second, then once a second on standard error; on a terminal only, unless it is asked for. Compiling
 * holds this thread, so another one speaks.
 */
export function watchLongWork(io: CommandIo, work: { readonly size: number; readonly isAsked: boolean }): LongWork {
  const isWanted = work.isAsked || (io.color && work.size >= smallWork)
  if (!isWanted) return { begin: () => undefined, step: () => undefined, end: () => undefined }
  const shared = new Int32Array(new SharedArrayBuffer(4 * Object.keys(seen).length))
  const worker = new Worker(new URL('./long-work-worker.ts', import.meta.url), { workerData: { shared } })
  worker.unref()
  return {
    begin(words, total = 0) {
      Atomics.store(shared, seen.part, parts.indexOf(words))
      Atomics.store(shared, seen.done, 0)
      Atomics.store(shared, seen.total, total)
    },
    step: () => void Atomics.add(shared, seen.done, 1),
    end() {
      Atomics.store(shared, seen.isOver, 1)
      Atomics.notify(shared, seen.isOver)
      // A line that is drawn over and over is taken away; without a terminal it is a record.
      if (Atomics.load(shared, seen.isShown) === 1 && io.color) io.error('\r\u001b[K')
    },
  }
}

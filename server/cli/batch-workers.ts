import { Worker } from 'node:worker_threads'
import type { AnsweredLine } from './run-batch.ts'

export type BatchWorkers = { answer(line: string): Promise<AnsweredLine>; close(): Promise<void> }

/** Threads that answer cases; each line goes to the one with the fewest waiting. */
export function openWorkers(count: number, now: number): BatchWorkers {
  const workers = Array.from({ length: count }, () => openWorker(now))
  return {
    answer(line) {
      const [idlest] = [...workers].sort((one, other) => one.waiting() - other.waiting())
      if (!idlest) throw new Error('a batch without workers')
      return idlest.answer(line)
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()))
    },
  }
}

type Waiting = { readonly resolve: (line: AnsweredLine) => void; readonly reject: (error: unknown) => void }

function openWorker(now: number) {
  const worker = new Worker(new URL('./batch-worker.ts', import.meta.url), { workerData: { now } })
  // Messages of one port keep their order, so answers come back first in, first out.
  const queue: Waiting[] = []
  worker.on('message', (line: AnsweredLine) => queue.shift()?.resolve(line))
  worker.on('error', (error) => {
    for (const waiting of queue.splice(0)) waiting.reject(error)
  })
  return {
    waiting: () => queue.length,
    answer: (line: string) =>
      new Promise<AnsweredLine>((resolve, reject) => {
        queue.push({ resolve, reject })
        worker.postMessage(line)
      }),
    close: async () => {
      await worker.terminate()
    },
  }
}

// A thread of `writ decide --batch --jobs N`: one line in, one answer out.
import { parentPort, workerData } from 'node:worker_threads'
import { answerLine } from './run-batch.ts'

const { now } = workerData as { readonly now: number }
parentPort?.on('message', (line: string) => parentPort?.postMessage(answerLine(line, now)))

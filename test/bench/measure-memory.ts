import { setTimeout as sleep } from 'node:timers/promises'
import { startWrit, type WritProcess } from '../kit/writ-process.ts'

const preload = new URL('./peers/tell-memory.ts', import.meta.url).href

/** A server that tells what it holds. */
export const startMeasured = (env: NodeJS.ProcessEnv): Promise<WritProcess> =>
  startWrit({ NODE_OPTIONS: `--import ${preload}`, WRIT_LOG_LEVEL: 'warn', ...env })

/** Bytes that live after two whole collections, on the heap and outside of it. */
export async function livingBytes(writ: WritProcess): Promise<number> {
  const lines = () => [...writ.output().matchAll(/memory after collection: (\{.*\})/g)]
  const before = lines().length
  writ.child.kill('SIGUSR2')
  while (lines().length === before) await sleep(20)
  const told = JSON.parse(lines().at(-1)?.[1] ?? '{}') as { heapUsed: number; external: number }
  return told.heapUsed + told.external
}

/** Least-squares slope of the samples over their index: what each step adds. */
export function slopeOf(samples: readonly number[]): number {
  const middle = (samples.length - 1) / 2
  const mean = samples.reduce((sum, each) => sum + each, 0) / samples.length
  let [above, below] = [0, 0]
  for (const [index, each] of samples.entries()) {
    above += (index - middle) * (each - mean)
    below += (index - middle) ** 2
  }
  return above / below
}

// Speaks while the main thread compiles: a line a second, straight to the file of standard error.
import { writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { workerData } from 'node:worker_threads'
import { parts, seen } from './long-work.ts'

const { shared } = workerData as { readonly shared: Int32Array }
const standardError = 2
const [before, after] = isatty(standardError) ? ['\r', '\u001b[K'] : ['', '\n']

for (let seconds = 1; Atomics.wait(shared, seen.isOver, 0, 1000) === 'timed-out'; seconds++) {
  const [done, total] = [Atomics.load(shared, seen.done), Atomics.load(shared, seen.total)]
  const counted = total > 0 ? ` ${done} of ${total}` : ' the policies'
  Atomics.store(shared, seen.isShown, 1)
  writeSync(standardError, `${before}${parts[Atomics.load(shared, seen.part)]}${counted}, ${seconds} s${after}`)
}

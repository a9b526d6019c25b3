// A thread of the embedded database's process: ends it soon after its parent has gone. The channel says so too, but a process that
// is in the middle of an endless statement does not listen, and would hold the data folder for ever.
import { workerData } from 'node:worker_threads'

const everyMilliseconds = 1_000
const parent = Number(workerData)
/** The first time, the process may just be closing in good order. */
let missed = 0

setInterval(() => {
  missed = process.ppid === parent ? 0 : missed + 1
  if (missed > 1) process.kill(process.pid, 'SIGKILL')
}, everyMilliseconds)

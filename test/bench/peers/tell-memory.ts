// Loaded into a server under measurement (`--import`): at SIGUSR2 it collects garbage and prints what stays, as one line.
process.on('SIGUSR2', () => {
  globalThis.gc?.({ type: 'major', execution: 'sync' })
  globalThis.gc?.({ type: 'major', execution: 'sync' })
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  process.stderr.write(`memory after collection: ${JSON.stringify({ heapUsed, external, arrayBuffers })}\n`)
})

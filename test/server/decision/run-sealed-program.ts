import { registerHooks } from 'node:module'

// Run by sealed-program.test.ts in a process of its own: opens a sealed program, decides, and tells which modules that took.
const loaded: string[] = []
registerHooks({
  load(url, context, next) {
    loaded.push(url)
    return next(url, context)
  },
})
const input: Buffer[] = []
for await (const chunk of process.stdin) input.push(chunk as Buffer)
const { key, place, sealed, requests } = JSON.parse(Buffer.concat(input).toString())
const { openProgram } = await import('../../../server/decision/sealed-program.ts')
const { createEntityStore, createEvaluator, readRequest } = await import('../../../policy-lang/run.ts')
const program = openProgram(Buffer.from(key, 'base64'), place, sealed)
if (typeof program === 'string') {
  process.stdout.write(JSON.stringify({ refused: program }))
} else {
  const { decide } = createEvaluator(program)
  const decisions = requests.map((json: never) => {
    const read = readRequest(program, json)
    return read.ok ? decide(createEntityStore(program), read.request, { now: 0 }) : read.message
  })
  process.stdout.write(JSON.stringify({ decisions, loaded, hash: program.hash }))
}

import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

// Runs test files in this very process, without jest: `node run-plainly.ts <file>…`. Jest's sandbox is a context of its own,
// in which a flag of the process such as --disallow-code-generation-from-strings does not hold.

const globals = new URL('./jest-globals.ts', import.meta.url).href
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === '@jest/globals' ? { url: globals, shortCircuit: true } : next(specifier, context),
})

function isForbidden(): boolean {
  try {
    return new Function('return false')() as boolean // it returns false
  } catch {
    return true
  }
}

const { collected } = await import('./jest-globals.ts')
for (const file of process.argv.slice(2)) await import(pathToFileURL(file).href)
const failures: string[] = []
for (const { name, run } of collected) {
  try {
    await run()
  } catch (error) {
    failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`.slice(0, 2_000))
  }
}
process.stdout.write(JSON.stringify({ forbidden: isForbidden(), ran: collected.length, failures }))

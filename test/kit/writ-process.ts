import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

export type WritProcess = {
  readonly issuer: string
  readonly dataFolder: string
  readonly child: ChildProcess
  /** One-time setup link, if the start printed one. */
  readonly setupLink: string | undefined
  /** Milliseconds from spawn to the ready line. */
  readonly readyAfter: number
  /** Everything printed so far. */
  output(): string
  /** Sends the signal and resolves with the exit code; removes the data folder unless `keep`. */
  stop(options?: { readonly signal?: NodeJS.Signals; readonly keep?: boolean }): Promise<number | null>
}

/** The newcomer's `npm start`, as a real process on a free port with its own data folder. Rejects with its output if it ends early. */
export async function startWrit(env: NodeJS.ProcessEnv = {}): Promise<WritProcess> {
  const port = env.PORT ?? String(await freePort())
  const dataFolder = env.WRIT_DATA ?? (await mkdtemp(join(tmpdir(), 'writ-process-')))
  const began = performance.now()
  const child = spawn(process.execPath, ['writ.mjs', 'start'], {
    cwd: root,
    env: { ...withoutWrit(process.env), PORT: port, WRIT_DATA: dataFolder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  const stop: WritProcess['stop'] = async ({ signal = 'SIGTERM', keep = false } = {}) => {
    child.kill(signal)
    const code = await exited
    if (!keep) await rm(dataFolder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    return code
  }
  const issuer = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString('utf8')
      const ready = /Writ is ready at (\S+)/.exec(output)
      if (ready?.[1]) resolve(ready[1])
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    void exited.then((code) => reject(new Error(`writ start ended with ${code} before it was ready:\n${output}`)))
  })
  const readyAfter = performance.now() - began
  const setupLink = /https?:\/\/\S+\/setup\/[\w-]+/.exec(output)?.[0]
  return { issuer, dataFolder, child, setupLink, readyAfter, output: () => output, stop }
}

/** Settings of the shell that runs the tests must not reach the server under test. */
function withoutWrit(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(WRIT_|DATABASE_|PORT$|HOST$|NODE_OPTIONS$)/.test(name)),
  )
}

export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}

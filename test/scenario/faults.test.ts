import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from '@jest/globals'
import { freePort, startWrit, type WritProcess } from '../kit/writ-process.ts'

const started: WritProcess[] = []
const folders: string[] = []

afterEach(async () => {
  for (const writ of started.splice(0)) await writ.stop()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'writ-faults-'))
  folders.push(made)
  return made
}
const start = async (env: NodeJS.ProcessEnv = {}): Promise<WritProcess> => {
  const writ = await startWrit(env)
  started.push(writ)
  return writ
}
/** How a start that must not succeed ended. */
const failure = async (env: NodeJS.ProcessEnv): Promise<string> => {
  const writ = await startWrit(env).catch((error: unknown) => error)
  if (writ instanceof Error) return writ.message
  started.push(writ as WritProcess)
  return 'it started'
}
/** Process ids, where the platform tells (Linux). */
const childrenOf = (pid: number | undefined): string[] => {
  const file = `/proc/${pid}/task/${pid}/children`
  return existsSync(file) ? readFileSync(file, 'utf8').split(' ').filter(Boolean) : []
}
/** A zombie that nobody has collected yet runs nothing. */
const isAlive = (pid: string): boolean => {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error('it never came to be')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Makes a client over the admin API; resolves when the server has acknowledged it. */
async function acknowledge(writ: WritProcess, id: string): Promise<void> {
  const token = readFileSync(join(writ.dataFolder, 'cli-token'), 'utf8').trim()
  const made = await fetch(`${writ.issuer}/admin/v1/clients`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: id, clientId: id, grantTypes: ['client_credentials'] }),
  })
  expect(made.status).toBe(201)
}

describe('starts that cannot succeed say why in one line, exit 2 (surface.md)', () => {
  test('a data folder in use', async () => {
    const first = await start()
    const said = await failure({ WRIT_DATA: first.dataFolder })
    expect(said).toMatch(/ended with 2/)
    expect(said).toMatch(/in use/)
    expect((await fetch(`${first.issuer}/health/ready`)).status).toBe(200)
  })

  test('a port in use', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address ? String(address.port) : ''
    const said = await failure({ PORT: port, HOST: '127.0.0.1', WRIT_DATA: folder() })
    server.close()
    expect(said).toMatch(/ended with 2/)
    expect(said).toContain(`port ${port} is in use`)
  })

  test('a data folder that cannot be written', async () => {
    const file = join(folder(), 'file')
    writeFileSync(file, '')
    const said = await failure({ WRIT_DATA: join(file, 'data') })
    expect(said).toMatch(/ended with 2/)
    expect(said).not.toMatch(/\n {4}at /)
  })

  test('every wrong setting at once', async () => {
    const said = await failure({ PORT: 'many', WRIT_ISSUER: 'nowhere', WRIT_PROFILE: 'testing', WRIT_DATA: folder() })
    expect(said).toMatch(/ended with 2/)
    for (const name of ['PORT', 'WRIT_ISSUER', 'WRIT_PROFILE']) expect(said).toContain(name)
  })

  test('production without an https issuer, a database and a key', async () => {
    const said = await failure({
      WRIT_PROFILE: 'production',
      WRIT_ISSUER: 'http://login.example.test',
      WRIT_DATA: folder(),
    })
    expect(said).toMatch(/ended with 2/)
    for (const name of ['https', 'DATABASE_URL', 'WRIT_SECRET_KEY']) expect(said).toContain(name)
  })
})

describe('ends', () => {
  test('SIGTERM drains and exits 0, and leaves no child', async () => {
    const writ = await start()
    const children = childrenOf(writ.child.pid)
    expect(await writ.stop()).toBe(0)
    started.splice(0)
    for (const pid of children) expect(isAlive(pid)).toBe(false)
  })

  test('SIGTERM during the start ends it with 0, and leaves no child', async () => {
    const port = await freePort()
    const dataFolder = folder()
    const child = spawn(process.execPath, ['writ.mjs', 'start'], {
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
      env: { PATH: process.env.PATH, PORT: String(port), WRIT_DATA: dataFolder },
      stdio: 'ignore',
    })
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
    // The port is taken first of all: whoever answers there, not yet ready, is in the middle of the start.
    const status = async () => (await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined))?.status
    await until(async () => (await status()) === 503)
    const children = childrenOf(child.pid)
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    await until(async () => !children.some(isAlive))
    // What was half made is made whole by the next start.
    await start({ WRIT_DATA: dataFolder })
  })

  test('kill −9 loses nothing acknowledged; the next start works, and no child is left over', async () => {
    const writ = await start()
    const orphans = childrenOf(writ.child.pid)
    for (const id of ['one', 'two', 'three']) await acknowledge(writ, id)
    await writ.stop({ signal: 'SIGKILL', keep: true })
    started.splice(0)
    const again = await start({ WRIT_DATA: writ.dataFolder })
    for (const pid of orphans) expect(isAlive(pid)).toBe(false)
    const token = readFileSync(join(again.dataFolder, 'cli-token'), 'utf8').trim()
    const list = await fetch(`${again.issuer}/admin/v1/clients?limit=200`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const { items } = (await list.json()) as {
      readonly items: readonly { readonly clientId?: string; readonly id?: string }[]
    }
    const ids = items.map((item) => item.clientId ?? item.id)
    for (const id of ['one', 'two', 'three']) expect(ids).toContain(id)
    folders.push(writ.dataFolder)
  })
})

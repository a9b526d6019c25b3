import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { Need } from './availability.ts'

/** A real PostgreSQL for a suite. */
export type RealPostgres = {
  /** A new, empty database owned by a role that is no superuser (row-level security binds it). Answers its URL. */
  createDatabase(): Promise<string>
  /** Ends the server as `kill -9` would, and starts it again; only where the suite started it. */
  crash(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
  /** False where WRIT_TEST_DATABASE_URL lends a server that is not ours to end. */
  readonly isOwn: boolean
}

const lentUrl = process.env.WRIT_TEST_DATABASE_URL
const debianFolder = '/usr/lib/postgresql'

/** For `describeWith`. */
export const realPostgresNeed: Need = {
  name: 'postgres',
  missing:
    lentUrl || binaryFolder()
      ? undefined
      : 'no PostgreSQL installed (apt-get install postgresql, or set WRIT_TEST_DATABASE_URL)',
}

export async function startRealPostgres(): Promise<RealPostgres> {
  if (lentUrl) return lent(lentUrl)
  const binaries = binaryFolder()
  if (!binaries) throw new Error(realPostgresNeed.missing)
  const user = unprivilegedUser()
  const folder = mkdtempSync(join(tmpdir(), 'writ-pg-'))
  chmodSync(folder, 0o755)
  if (user) chownSync(folder, user.id, user.group)
  const data = join(folder, 'data')
  const initialise = [
    join(binaries, 'initdb'),
    '-D',
    data,
    '-A',
    'trust',
    '-U',
    'postgres',
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
    '--no-sync',
  ]
  const [command = '', ...rest] = [...asUser(user), ...initialise]
  execFileSync(command, rest, { stdio: 'pipe', cwd: folder })
  const adminUrl = `postgres://postgres@/postgres?host=${folder}`
  let server = run(binaries, data, folder, user)
  await untilUp(adminUrl)
  await query(adminUrl, 'create role writ login nosuperuser nobypassrls createdb')
  return {
    isOwn: true,
    createDatabase: () => createDatabase(adminUrl, `postgres://writ@/DATABASE?host=${folder}`, 'writ'),
    async crash() {
      await server.end('QUIT')
    },
    async start() {
      server = run(binaries, data, folder, user)
      await untilUp(adminUrl)
    },
    async stop() {
      await server.end('INT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function lent(url: string): RealPostgres {
  const refuse = async (): Promise<void> => {
    throw new Error('a lent PostgreSQL is not ours to end')
  }
  const own = new URL(url)
  const target = url.replace(own.pathname, '/DATABASE')
  return {
    isOwn: false,
    createDatabase: () => createDatabase(url, target, decodeURIComponent(own.username)),
    crash: refuse,
    start: refuse,
    stop: async () => {},
  }
}

async function createDatabase(adminUrl: string, target: string, owner: string): Promise<string> {
  const name = `writ_test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`
  await query(adminUrl, `create database ${name} owner "${owner}"`)
  return target.replace('DATABASE', name)
}

async function query(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(text).finally(() => client.end())
}

async function untilUp(url: string): Promise<void> {
  const deadline = Date.now() + 15_000
  for (;;) {
    try {
      return await query(url, 'select 1')
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

type Running = { end(signal: 'INT' | 'QUIT'): Promise<void> }

/** The shell in between ends PostgreSQL when its input ends: also when the test run is killed. */
function run(binaries: string, data: string, folder: string, user: User | undefined): Running {
  const script =
    '"$0" -D "$1" -F -k "$2" -c listen_addresses= -c max_connections=100 & server=$!; read signal || signal=INT; kill -$signal $server; wait $server'
  const [command = '', ...rest] = [...asUser(user), 'sh', '-c', script, join(binaries, 'postgres'), data, folder]
  const shell = spawn(command, rest, { stdio: ['pipe', 'ignore', 'ignore'], cwd: folder })
  const ended = new Promise<void>((resolve) => shell.once('exit', () => resolve()))
  return {
    async end(signal) {
      shell.stdin.end(`${signal}\n`)
      await ended
    },
  }
}

/** Newest first. */
function binaryFolder(): string | undefined {
  if (!existsSync(debianFolder)) return undefined
  return readdirSync(debianFolder)
    .sort((left, right) => Number(right) - Number(left))
    .map((version) => join(debianFolder, version, 'bin'))
    .find((folder) => existsSync(join(folder, 'postgres')) && existsSync(join(folder, 'initdb')))
}

type User = { readonly name: string; readonly id: number; readonly group: number }

/** PostgreSQL refuses to run as root. */
function unprivilegedUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    try {
      const [id, group] = ['-u', '-g'].map((flag) =>
        Number(execFileSync('id', [flag, name], { stdio: 'pipe' }).toString()),
      )
      if (id !== undefined && group !== undefined) return { name, id, group }
    } catch {
      // No such user: the next one.
    }
  }
  throw new Error('root needs a user `postgres` or `nobody` to run PostgreSQL as')
}

const asUser = (user: User | undefined): string[] => (user ? ['runuser', '-u', user.name, '--'] : [])

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openHttpBrowser } from '../kit/http-browser.ts'
import { startWrit, type WritProcess } from '../kit/writ-process.ts'

export const person = { identifier: 'alice@example.test', password: 'violet otters juggle 41 lanterns' }

export type Provider = {
  readonly writ: WritProcess
  readonly accountId: string
  admin(method: string, path: string, body: object): Promise<{ readonly [name: string]: unknown }>
  /** A confidential client of the whole code flow; answers its secret. */
  createClient(clientId: string, metadata: object): Promise<string>
}

/** A server of its own with one person in it. */
export async function openProvider(): Promise<Provider> {
  const writ = await startWrit()
  const token = readFileSync(join(writ.dataFolder, 'cli-token'), 'utf8').trim()
  const admin: Provider['admin'] = async (method, path, body) => {
    const answer = await fetch(`${writ.issuer}/admin/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return JSON.parse(text) as { readonly [name: string]: unknown }
  }
  const user = {
    email: person.identifier,
    emailVerified: true,
    password: person.password,
    claims: { name: 'Alice Kim' },
  }
  const { id } = await admin('POST', '/users', user)
  return {
    writ,
    accountId: String(id),
    admin,
    async createClient(clientId, metadata) {
      const made = await admin('POST', '/clients', { clientId, name: clientId, firstParty: true, ...metadata })
      return String(made.clientSecret)
    },
  }
}

/** Does the command run here? Answers what is missing. */
export function missingCommand(command: string, args: readonly string[], what: string): string | undefined {
  const { status, error } = spawnSync(command, args, { stdio: 'ignore', timeout: 60_000 })
  return status === 0 && !error ? undefined : what
}

/**
 * Runs a client program: it prints `{"authorize": url}` when a person must go there, is given the address that came back, and
 * prints `{"done": facts}` at the end.
 */
export async function runClient(
  command: string,
  args: readonly string[],
  options: { readonly settings: object; readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<{ readonly [fact: string]: unknown }> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString('utf8')))
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  child.stdin.write(`${JSON.stringify(options.settings)}\n`)
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const said = JSON.parse(line) as {
        readonly authorize?: string
        readonly done?: { readonly [fact: string]: unknown }
      }
      if (said.done) return said.done
      if (said.authorize) child.stdin.write(`${await goThere(said.authorize)}\n`)
    }
    throw new Error(`the client ended with ${await ended}:\n${errors}`)
  } finally {
    await stop(child, ended)
  }
}

async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.kill()
  await ended
}

/** The person signs in, and allows what is asked; answers the address that the browser was sent back to. */
export async function goThere(url: string, browser = openHttpBrowser()): Promise<string> {
  await browser.open(url)
  for (let page = 0; page < 4; page += 1) {
    const { text } = browser.page()
    if (text.includes('name="password"')) await browser.submit({ ...person })
    else if (text.includes('name="allow"')) await browser.submit({}, 'allow')
    else break
  }
  return browser.page().url
}

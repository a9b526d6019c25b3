// Pages of the documentation, followed to the letter: documents are applied, programs are run.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** Programs wait whole seconds between two questions; here a hundredth of that. */
const hurry = `const wait = setTimeout; globalThis.setTimeout = (run, after, ...rest) => wait(run, (after ?? 0) / 100, ...rest)`

export type DocsPage = ReturnType<typeof openPage>
export type Program = ReturnType<typeof runProgram>
type Env = { readonly [name: string]: string }

/** Blocks of one page of `docs/signin`, in the order in which it shows them. */
export function openPage(page: string, server: { readonly issuer: string; readonly adminToken: string }) {
  const text = readFileSync(`${root}docs/signin/${page}`, 'utf8')
  const blocks = [...text.matchAll(/^```(yaml|js|html)\n([\s\S]*?)^```/gm)].map(([, language, body = '']) => ({
    language,
    body,
  }))
  let at = 0
  const next = (language: string): string => {
    const block = blocks[at]
    at += 1
    if (block?.language !== language) throw new Error(`${page}: block ${at} is not ${language}`)
    return block.body
  }
  return {
    next,
    /** Applies the next document, with `port` in place of the one it names; answers the secret that was made. */
    async apply(port?: { readonly of: number; readonly is: number }): Promise<string> {
      const document = next('yaml')
      const response = await fetch(`${server.issuer}/admin/v1/apply`, {
        method: 'POST',
        headers: { authorization: `Bearer ${server.adminToken}`, 'content-type': 'application/yaml' },
        body: port ? document.replaceAll(`:${port.of}`, `:${port.is}`) : document,
      })
      const body = await response.text()
      if (response.status !== 200) throw new Error(`${response.status} ${body}`)
      return /"clientSecret":"([^"]+)"/.exec(body)?.[1] ?? ''
    },
    /** Runs the next program. */
    run: (env: Env = {}) => runProgram(next('js'), { ISSUER: server.issuer, ...env }),
    isRead: () => at === blocks.length,
  }
}

export function runProgram(code: string, env: Env) {
  const child = spawn(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(hurry)}`, '--input-type=module', '--eval', code],
    { cwd: root, env: { PATH: process.env.PATH, ...env }, stdio: ['pipe', 'pipe', 'pipe'] },
  )
  let said = ''
  let complained = ''
  const listeners: (() => void)[] = []
  child.stdout.on('data', (chunk) => {
    said += String(chunk)
    for (const listener of listeners) listener()
  })
  child.stderr.on('data', (chunk) => {
    complained += String(chunk)
  })
  const ended = new Promise<string>((resolve, reject) => {
    child.once('exit', (code, signal) => (code === 0 || signal ? resolve(said) : reject(new Error(complained))))
  })
  return {
    ended,
    hear: (line: string) => child.stdin.write(`${line}\n`),
    /** A server runs until it is told. */
    stop: () => {
      child.kill()
      return ended
    },
    /** What it has said, as soon as that fits. */
    says: (pattern: RegExp) =>
      Promise.race([
        new Promise<RegExpExecArray>((resolve) => {
          const look = () => {
            const match = pattern.exec(said)
            if (match) resolve(match)
          }
          listeners.push(look)
          look()
        }),
        ended.then((): never => {
          throw new Error(`it ended without: ${pattern}\n${said}${complained}`)
        }),
      ]),
  }
}

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

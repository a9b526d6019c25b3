import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'

export type HttpLoad = {
  readonly url: string
  readonly method: 'POST' | 'GET'
  readonly headers: { readonly [name: string]: string }
  readonly body?: string
  readonly connections?: number
  /** Headers of the next request, over the others. */
  readonly each?: () => { readonly [name: string]: string }
}
export type HttpFigure = {
  readonly requestsPerSecond: number
  readonly p50Milliseconds: number
  readonly p99Milliseconds: number
  /** Processor time of the serving process per request, µs; undefined where the platform does not tell. */
  readonly processorMicroseconds: number | undefined
  readonly failures: number
}

/** The reference benchmark's servers are loaded over 32. */
const usualConnections = 16
const warmUpSeconds = 2
const measuredSeconds = 6

/** Rate and latency of one request repeated over its connections, after a warm-up; the answer is checked once before. */
export async function measureHttp(
  load: HttpLoad,
  pid: number | undefined,
  check: (body: unknown) => boolean,
): Promise<HttpFigure> {
  const first = await fetch(load.url, {
    method: load.method,
    headers: load.headers,
    ...(load.body ? { body: load.body } : {}),
  })
  const body: unknown = await first.json()
  if (!check(body)) throw new Error(`${load.url} answers ${first.status} ${JSON.stringify(body)}`)
  const { connections = usualConnections, each, ...fixed } = load
  const options = {
    ...fixed,
    headers: { ...load.headers },
    connections,
    ...(each ? { requests: [{ setupRequest: (request: autocannon.Request) => withHeaders(request, each()) }] } : {}),
  }
  await autocannon({ ...options, duration: warmUpSeconds })
  const before = processorTicks(pid)
  const result = await autocannon({ ...options, duration: measuredSeconds })
  const ticks = processorTicks(pid) - before
  return {
    requestsPerSecond: result.requests.average,
    p50Milliseconds: result.latency.p50,
    p99Milliseconds: result.latency.p99,
    processorMicroseconds: Number.isFinite(ticks) ? (ticks * 10_000) / Math.max(1, result.requests.total) : undefined,
    failures: result.non2xx + result.errors,
  }
}

const withHeaders = (request: autocannon.Request, more: { readonly [name: string]: string }): autocannon.Request => ({
  ...request,
  headers: { ...request.headers, ...more },
})

/** User and system time of a process in ticks of 10 ms (Linux); NaN elsewhere. */
function processorTicks(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return Number(fields[11]) + Number(fields[12])
  } catch {
    return Number.NaN
  }
}

/** Resident memory of a process and all its children, bytes. */
export function residentBytes(pid: number): number {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
    return pages * 4096 + children.reduce((sum, child) => sum + residentBytes(Number(child)), 0)
  } catch {
    return Number.NaN
  }
}

export type Peer = { readonly url: string; readonly child: ChildProcess; stop(): void }

/** Starts a program of `test/bench/peers` and waits for the URL it prints. */
export async function startPeer(program: URL, args: readonly string[] = []): Promise<Peer> {
  const path = fileURLToPath(program)
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString('utf8').trim()))
    child.once('exit', (code) => reject(new Error(`${path} ended with ${code}`)))
  })
  return { url, child, stop: () => void child.kill() }
}

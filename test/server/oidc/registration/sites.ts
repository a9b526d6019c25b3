import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { guardedEgress } from '../../../../adapters/egress/guarded-egress.ts'
import type { Egress } from '../../../../adapters/egress/port.ts'

export type Page = {
  status?: number
  type?: string
  body?: string | Buffer
  headers?: { readonly [name: string]: string }
  /** Answers by hand, or never. */
  answer?: (response: ServerResponse) => void
}
export type Sites = Awaited<ReturnType<typeof openSites>>

/**
 * Hosts of the internet on this machine: `https://app.example/…` leads to one real HTTP server here, through the real guard. Every
 * other address goes the way that it would go in production.
 */
export async function openSites(...hosts: readonly string[]) {
  const pages = new Map<string, Page>()
  const heard: string[] = []
  const server = createServer((request, response) => {
    const address = `https://${String(request.headers['x-site'])}${request.url}`
    heard.push(address)
    const page = pages.get(address)
    if (page?.answer) return page.answer(response)
    response.writeHead(page ? (page.status ?? 200) : 404, {
      'content-type': page?.type ?? 'application/json',
      ...page?.headers,
    })
    response.end(page?.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const toHere = guardedEgress({ allowLoopback: true })
  const outside = guardedEgress({ allowLoopback: false })
  const egress: Egress = (address, init) => {
    const url = URL.parse(address)
    if (url?.protocol !== 'https:' || url.username !== '' || !hosts.includes(url.host)) return outside(address, init)
    const headers = new Headers(init.headers)
    headers.set('x-site', url.host)
    return toHere(here + url.pathname + url.search, { ...init, headers })
  }
  return {
    egress,
    /** Addresses that were asked, in order. */
    heard,
    count: (address: string): number => heard.filter((one) => one === address).length,
    put: (address: string, page: Page): void => void pages.set(address, page),
    putJson: (address: string, value: unknown, headers: { readonly [name: string]: string } = {}): void =>
      void pages.set(address, { body: JSON.stringify(value), headers }),
    remove: (address: string): void => void pages.delete(address),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

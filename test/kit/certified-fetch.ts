import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import type { TestCertificate } from './certificates.ts'

/** `fetch` over TLS by a client that shows a certificate, or none; each call on a connection of its own. */
export function certifiedFetch(authority: string, client?: TestCertificate) {
  return (address: string | URL, init: RequestInit = {}): Promise<Response> =>
    new Promise((resolve, reject) => {
      const url = new URL(address)
      const sent = request(
        url,
        {
          method: init.method ?? 'GET',
          headers: Object.fromEntries(new Headers(init.headers)),
          ca: authority,
          agent: false,
          ...(client ? { cert: client.pem, key: client.key } : {}),
        },
        (answer) => readAnswer(answer).then(resolve, reject),
      )
      sent.on('error', reject)
      if (init.body instanceof URLSearchParams && !sent.hasHeader('content-type'))
        sent.setHeader('content-type', 'application/x-www-form-urlencoded;charset=UTF-8')
      sent.end(init.body === undefined || init.body === null ? undefined : String(init.body))
    })
}

async function readAnswer(answer: IncomingMessage): Promise<Response> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer)
  const headers = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  )
  return new Response(Buffer.concat(chunks), { status: answer.statusCode ?? 0, headers })
}

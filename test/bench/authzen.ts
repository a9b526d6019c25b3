import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startWrit } from '../kit/writ-process.ts'
import { measureHttp, startPeer } from './measure-http.ts'
import { runCli, seedClient } from './provider.ts'
import type { Report } from './run.ts'

const policy = `module documents
import User, Organization from "writ:identity"
entity Folder in Organization {
  relation viewer: User
}
entity Document in Folder {
  status: "draft" | "published"
}
action read on Document by User
@id("viewers-read")
allow read on doc: Document to viewer of doc.folder
  when doc.status == "published"
`

const documents = (folder: string): string => `kind: PolicySet
name: documents
spec: { dir: ${folder} }
---
kind: Entity
name: Folder/f1
spec: { attributes: {}, parents: [] }
---
kind: Entity
name: Document/d1
spec: { attributes: { status: published }, parents: [{ type: Folder, id: f1 }] }
---
kind: Relation
name: f1-viewer-u1
spec: { resource: { type: Folder, id: f1 }, relation: viewer, subject: { type: User, id: u1 } }
`

const question = {
  subject: { type: 'User', id: 'u1' },
  action: { name: 'read' },
  resource: { type: 'Document', id: 'd1' },
}

/** AuthZEN evaluation over HTTP beside a bare Node handler that parses the same body. */
export const authzen = {
  name: 'authzen',
  summary: 'AuthZEN evaluations a second vs. a bare Node handler',
  async run(report: Report): Promise<void> {
    const databases = await report.databases(['writ_authzen'])
    if (!databases) return
    const folder = mkdtempSync(join(tmpdir(), 'writ-bench-'))
    const bare = await startPeer(new URL('./peers/bare-node.ts', import.meta.url))
    const writ = await startWrit({ DATABASE_URL: databases[0] ?? '', WRIT_LOG_LEVEL: 'warn' })
    try {
      const client = seedClient(writ, folder)
      writeFileSync(join(folder, 'documents.fbac'), policy)
      writeFileSync(join(folder, 'documents.yaml'), documents(folder))
      runCli(writ, ['apply', '-f', join(folder, 'documents.yaml')])
      const token = await fetch(`${writ.issuer}/oauth2/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}` },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          scope: 'access',
          resource: `${writ.issuer}/access`,
        }),
      })
      const { access_token: bearer } = (await token.json()) as { access_token: string }
      const ask = (url: string, body: object) => ({
        url,
        method: 'POST' as const,
        headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        connections: 32,
      })
      const isAllowed = (body: unknown) =>
        typeof body === 'object' && body !== null && 'decision' in body && body.decision === true
      const peer = await measureHttp(ask(bare.url, question), bare.child.pid, isAllowed)
      const ours = await measureHttp(ask(`${writ.issuer}/access/v1/evaluation`, question), writ.child.pid, isAllowed)
      const batch = { ...question, evaluations: Array.from({ length: 50 }, () => ({ resource: question.resource })) }
      const many = await measureHttp(
        ask(`${writ.issuer}/access/v1/evaluations`, batch),
        writ.child.pid,
        (body) => typeof body === 'object',
      )
      report.row('bare Node handler', { ...peer })
      report.row('writ, one evaluation', { ...ours })
      report.row('writ, batch of 50', { ...many, decisionsPerSecond: many.requestsPerSecond * 50 })
      report.ratio('writ / bare handler, requests a second', ours.requestsPerSecond / peer.requestsPerSecond, {
        atLeast: 0.25,
      })
    } finally {
      await writ.stop()
      bare.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Refusal } from '../../server/http/refusal.ts'

// Makes docs/errors.md from the catalogues of refusals; `generate-reference.ts` writes it with the other pages.

export const errorsPage = new URL('../../docs/errors.md', import.meta.url)

const root = fileURLToPath(new URL('../../', import.meta.url))

export async function generateErrors(): Promise<string> {
  const paths = ['server', 'platform'].flatMap((area) =>
    readdirSync(root + area, { recursive: true, encoding: 'utf8' })
      .filter((path) => /(^|\/)errors\.ts$/.test(path))
      .map((path) => `${area}/${path}`),
  )
  const sections = await Promise.all(paths.sort().map(sectionOf))
  return `${[
    '# Error codes',
    'Generated from the catalogues by `test/docs/generate-errors.ts`; do not edit. Codes are stable: none is given a second meaning.',
    'Most routes answer `application/problem+json` with the code as `code`. A route of a standard keeps that standard’s form: AuthZEN answers the message as text and the code in the header `Writ-Error-Code`; OAuth has codes of its own.',
    ...sections.filter((section) => section !== ''),
  ].join('\n\n')}\n`
}

async function sectionOf(path: string): Promise<string> {
  const module = (await import(`../../${path}`)) as { readonly [name: string]: unknown }
  const rows = Object.values(module).flatMap((catalogue) => Object.values(isCatalogue(catalogue) ? catalogue : {}))
  if (rows.length === 0) return ''
  const lines = rows.map((make) => {
    const { code, status, title } = make().kind
    return `| \`${code}\` | ${status} | ${title} |`
  })
  return [
    `## ${path.replace(/\/errors\.ts$/, '')}`,
    '',
    '| code | status | says |',
    '| --- | --- | --- |',
    ...lines,
  ].join('\n')
}

type Catalogue = { readonly [code: string]: () => Refusal }

/** An object of makers, as `refusals({…})` answers it. */
const isCatalogue = (value: unknown): value is Catalogue =>
  typeof value === 'object' && value !== null && Object.values(value).every((make) => typeof make === 'function')

// node launch.mjs test/conformance/write-documents.ts FOLDER ISSUER [SUITE]
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { makeDocuments, type Where } from './documents.ts'
import { plans } from './plans.ts'

/** Writes both halves of every plan; answers a line for each, as the suite's command takes it. */
export function writeDocuments(folder: string, where: Where): readonly string[] {
  mkdirSync(folder, { recursive: true })
  const documents = makeDocuments(where)
  // They hold secrets.
  const mode = { mode: 0o600 }
  const lines = Object.entries(documents).map(([name, { writ, suite }]) => {
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(suite, undefined, 2)}\n`, mode)
    writeFileSync(join(folder, `${name}.writ.yaml`), writ.map((one) => stringify(one)).join('---\n'), mode)
    const variant = Object.entries(plans[name]?.variant ?? {}).map(([key, value]) => `[${key}=${value}]`)
    return `${plans[name]?.plan}${variant.join('')} ${name}.json`
  })
  const authorities = documents['fapi2-mtls-mtls']?.suite.mtls as { readonly ca: string } | undefined
  writeFileSync(join(folder, 'client-authorities.pem'), authorities?.ca ?? '')
  return lines
}

if (import.meta.main) {
  const [folder, issuer, suite = 'https://localhost.emobix.co.uk:8443'] = process.argv.slice(2)
  if (folder === undefined || issuer === undefined) {
    process.stderr.write('usage: write-documents.ts FOLDER ISSUER [SUITE]\n')
    process.exitCode = 2
  } else process.stdout.write(`${writeDocuments(folder, { issuer, suite }).join('\n')}\n`)
}

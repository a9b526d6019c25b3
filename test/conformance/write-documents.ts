// node launch.mjs test/conformance/write-documents.ts FOLDER ISSUER [SUITE]
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { makeDocuments } from './documents.ts'
import { plans } from './plans.ts'

const [folder, issuer, suite = 'https://localhost.emobix.co.uk:8443'] = process.argv.slice(2)
if (folder === undefined || issuer === undefined) {
  process.stderr.write('usage: write-documents.ts FOLDER ISSUER [SUITE]\n')
  process.exit(2)
}
mkdirSync(folder, { recursive: true })
const documents = makeDocuments({ issuer, suite })
for (const [name, { writ, suite: configuration }] of Object.entries(documents)) {
  // They hold secrets.
  const mode = { mode: 0o600 }
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(configuration, undefined, 2)}\n`, mode)
  writeFileSync(join(folder, `${name}.writ.yaml`), writ.map((one) => stringify(one)).join('---\n'), mode)
  const variant = Object.entries(plans[name]?.variant ?? {}).map(([key, value]) => `[${key}=${value}]`)
  process.stdout.write(`${plans[name]?.plan}${variant.join('')} ${name}.json\n`)
}
const authorities = documents['fapi2-mtls-mtls']?.suite.mtls as { readonly ca: string } | undefined
writeFileSync(join(folder, 'client-authorities.pem'), authorities?.ca ?? '')

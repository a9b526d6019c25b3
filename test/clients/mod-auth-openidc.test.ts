import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { describeWith } from '../kit/availability.ts'
import { openHttpBrowser } from '../kit/http-browser.ts'
import { freePort } from '../kit/writ-process.ts'
import { goThere, openProvider, type Provider } from './foreign-client.ts'

const modules = '/usr/lib/apache2/modules'
const apache = '/usr/sbin/apache2'
const isThere = existsSync(apache) && existsSync(`${modules}/mod_auth_openidc.so`)
const missing = isThere ? undefined : 'Apache with mod_auth_openidc is absent'

const needed = [
  'mpm_event',
  'authn_core',
  'authz_core',
  'authz_user',
  'dir',
  'env',
  'headers',
  'include',
  'mime',
  'auth_openidc',
]

/** What mod_auth_openidc passes on is shown by a page with server-side includes. */
const configuration = (at: {
  readonly port: number
  readonly folder: string
  readonly issuer: string
  readonly secret: string
}) => `
ServerRoot ${at.folder}
ServerName 127.0.0.1
Listen 127.0.0.1:${at.port}
PidFile ${at.folder}/apache.pid
ErrorLog ${at.folder}/error.log
DefaultRuntimeDir ${at.folder}
User www-data
Group www-data
${needed.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`).join('\n')}
TypesConfig /dev/null
DocumentRoot ${at.folder}/pages
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
<Directory ${at.folder}/pages>
  Options +Includes
  Require all granted
</Directory>
OIDCProviderMetadataURL ${at.issuer}/.well-known/openid-configuration
OIDCClientID apache
OIDCClientSecret ${at.secret}
OIDCRedirectURI http://127.0.0.1:${at.port}/behind/callback
OIDCCryptoPassphrase a-passphrase-for-one-test-only
OIDCScope "openid email"
OIDCPKCEMethod S256
OIDCResponseType code
OIDCRemoteUserClaim sub
OIDCPassClaimsAs environment
<Location /behind/>
  AuthType openid-connect
  Require valid-user
  # Our browser cannot say of itself that it navigates.
  OIDCUnAuthAction auth true
</Location>
`

describeWith({ name: 'apache', missing }, 'mod_auth_openidc (Apache)', () => {
  let provider: Provider
  let server: ChildProcess
  const folder = mkdtempSync(join(tmpdir(), 'writ-apache-'))
  let base: string
  beforeAll(async () => {
    provider = await openProvider()
    const port = await freePort()
    base = `http://127.0.0.1:${port}`
    const secret = await provider.createClient('apache', {
      redirectUris: [`${base}/behind/callback`],
      postLogoutRedirectUris: [`${base}/bye.html`],
      grantTypes: ['authorization_code'],
      scope: 'openid email',
    })
    mkdirSync(join(folder, 'pages/behind'), { recursive: true })
    const page = '<p id="who"><!--#echo var="REMOTE_USER" --></p><p id="mail"><!--#echo var="OIDC_CLAIM_email" --></p>'
    writeFileSync(join(folder, 'pages/behind/page.shtml'), page)
    writeFileSync(join(folder, 'pages/bye.html'), 'signed out')
    const { issuer } = provider.writ
    writeFileSync(join(folder, 'apache.conf'), configuration({ port, folder, issuer, secret }))
    server = spawn(
      '/bin/sh',
      ['-c', `chmod -R a+rX '${folder}' && exec ${apache} -f '${folder}/apache.conf' -DFOREGROUND`],
      {
        stdio: 'ignore',
      },
    )
    await until(async () => (await fetch(`${base}/bye.html`).catch(() => undefined))?.ok === true, folder)
  }, 60_000)
  afterAll(async () => {
    server.kill()
    await provider.writ.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('a page behind it asks for a sign-in, and knows who came', async () => {
    const browser = openHttpBrowser()
    const back = await goThere(`${base}/behind/page.shtml`, browser)
    expect(back).toBe(`${base}/behind/page.shtml`)
    expect(browser.page().text).toBe(`<p id="who">${provider.accountId}</p><p id="mail">alice@example.test</p>`)
  })

  test('an answer that it did not ask for is refused', async () => {
    const answer = await fetch(`${base}/behind/callback?code=abc&state=forged`, { redirect: 'manual' })
    expect(answer.status).toBeGreaterThanOrEqual(400)
  })

  test('logging out there ends the session here', async () => {
    const browser = openHttpBrowser()
    await goThere(`${base}/behind/page.shtml`, browser)
    const asked = await browser.open(`${base}/behind/callback?logout=${encodeURIComponent(`${base}/bye.html`)}`)
    const left = asked.text.includes('id="logout-confirm"') ? await browser.submit({}, 'logout') : asked
    expect(left.text).toBe('signed out')
    await browser.open(`${base}/behind/page.shtml`)
    expect(browser.page().text).toContain('name="password"')
  })
})

async function until(isSo: () => Promise<boolean>, folder: string): Promise<void> {
  const deadline = Date.now() + 15_000
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(readFileSync(join(folder, 'error.log'), 'utf8'))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

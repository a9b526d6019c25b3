import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { SMTPServer } from 'smtp-server'
import type { Mailer } from '../../../adapters/mail/port.ts'
import { smtpMailer } from '../../../adapters/mail/smtp.ts'
import { mailContract } from './contract.ts'

type Taken = { readonly to: string[]; readonly source: string }

describe('mail through a real SMTP server', () => {
  const taken: Taken[] = []
  let server: SMTPServer
  let mailer: Mailer
  const url = (): string => `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`

  beforeAll(async () => {
    server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      onRcptTo(address, _session, done) {
        const code = { 'nobody@example.test': 550, 'later@example.test': 451 }[address.address]
        done(code ? Object.assign(new Error('refused'), { responseCode: code }) : null)
      },
      onData(stream, session, done) {
        const chunks: Buffer[] = []
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        stream.on('end', () => {
          taken.push({
            to: session.envelope.rcptTo.map(({ address }) => address),
            source: Buffer.concat(chunks).toString(),
          })
          done()
        })
      },
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    mailer = smtpMailer({ url: url(), from: 'Writ <no-reply@example.test>', timeoutMilliseconds: 2_000 })
  })
  afterAll(async () => {
    await mailer.close()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })

  mailContract(() => ({ mailer, received: async () => taken.map(({ to }) => to.join()) }))

  test('says that it was sent by a program (RFC 3834 §5) and from whom', async () => {
    await mailer.send({
      to: 'b@example.test',
      subject: 'Héllo',
      text: 'text',
      html: '<p>text</p>',
      category: 'security',
    })
    const { source } = taken.at(-1) ?? { source: '' }
    expect(source).toContain('Auto-Submitted: auto-generated')
    expect(source).toContain('From: Writ <no-reply@example.test>')
    expect(source).toContain('text/html')
  })

  test.each([
    ['nobody@example.test', 'rejected'],
    ['later@example.test', 'unavailable'],
  ])('an answer to %s is %s (RFC 5321 §4.2.1)', async (to, kind) => {
    await expect(mailer.send({ to, subject: 's', text: 't', category: 'account' })).rejects.toMatchObject({ kind })
  })

  test('a line break in the subject or address adds no header and no recipient', async () => {
    await mailer.send({ to: 'c@example.test', subject: 'a\r\nBcc: d@example.test', text: 't', category: 'account' })
    expect(taken.at(-1)?.to).toEqual(['c@example.test'])
    expect(taken.at(-1)?.source).not.toMatch(/^Bcc:/m)
  })

  test('a server that is away is unavailable', async () => {
    const away = smtpMailer({ url: 'smtp://127.0.0.1:1', from: 'a@example.test' })
    await expect(
      away.send({ to: 'b@example.test', subject: 's', text: 't', category: 'account' }),
    ).rejects.toMatchObject({
      kind: 'unavailable',
    })
    await away.close()
  })

  test('refuses a URL of another protocol', () => {
    expect(() => smtpMailer({ url: 'http://mail.example.test', from: 'a@example.test' })).toThrow('smtp')
  })
})

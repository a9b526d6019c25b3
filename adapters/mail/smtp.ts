import { createTransport } from 'nodemailer'
import { errorText } from './error-text.ts'
import { type Mail, MailError, type Mailer } from './port.ts'

export type SmtpOptions = {
  /**
   * `smtps://user:pass@host:465` (TLS from the start) or `smtp://user:pass@host:587` (STARTTLS, required). `smtp://` without TLS
   * goes to this machine only (a relay on localhost).
   */
  readonly url: string
  /** `Writ <no-reply@example.test>` */
  readonly from: string
  readonly timeoutMilliseconds?: number
}

const timeoutMilliseconds = 10_000
const mostConnections = 2

/** Mails through an SMTP server (RFC 5321). Throws for a URL that would carry mail in the clear across a network. */
export function smtpMailer(options: SmtpOptions): Mailer {
  const timeout = options.timeoutMilliseconds ?? timeoutMilliseconds
  const transport = createTransport({
    ...place(options.url),
    pool: true,
    maxConnections: mostConnections,
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    socketTimeout: timeout,
    dnsTimeout: timeout,
    // A mail is text that we wrote: nothing in it may read a file or a URL.
    disableFileAccess: true,
    disableUrlAccess: true,
    tls: { minVersion: 'TLSv1.2' },
  })
  return {
    async send(mail: Mail) {
      try {
        await transport.sendMail({
          from: options.from,
          to: { name: '', address: mail.to },
          subject: mail.subject,
          text: mail.text,
          ...(mail.html === undefined ? {} : { html: mail.html }),
          // No out-of-office answers (RFC 3834 §5).
          headers: { 'Auto-Submitted': 'auto-generated' },
        })
      } catch (error) {
        throw translate(error)
      }
    },
    async close() {
      transport.close()
    },
  }
}

const localHosts = new Set(['localhost', '127.0.0.1', '[::1]'])
const defaultPorts: { readonly [protocol: string]: number } = { 'smtps:': 465, 'smtp:': 587 }

function place(text: string): {
  host: string
  port: number
  secure: boolean
  requireTLS: boolean
  auth?: { user: string; pass: string }
} {
  const url = new URL(text)
  const defaultPort = defaultPorts[url.protocol]
  if (defaultPort === undefined) throw new Error(`a mail server's URL begins with smtp: or smtps:, not ${url.protocol}`)
  const secure = url.protocol === 'smtps:'
  const user = decodeURIComponent(url.username)
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port ? Number(url.port) : defaultPort,
    secure,
    requireTLS: !secure && !localHosts.has(url.hostname),
    ...(user ? { auth: { user, pass: decodeURIComponent(url.password) } } : {}),
  }
}

function translate(error: unknown): MailError {
  const { code, responseCode } = errorText(error)
  // RFC 5321 §4.2.1: 5yz is final, 4yz is worth another try.
  if (code === 'EENVELOPE' || code === 'EMESSAGE' || responseCode >= 500) {
    return new MailError(responseCode > 0 && responseCode < 500 ? 'unavailable' : 'rejected', error)
  }
  return new MailError(code === 'ETIMEDOUT' ? 'timeout' : 'unavailable', error)
}

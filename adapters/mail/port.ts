export type Mail = {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html?: string
  /** `security` mails cannot be switched off by their reader. */
  readonly category: 'security' | 'account'
}
export type Mailer = {
  /** Resolves when the next hop has taken it. Rejects with MailError. */
  send(mail: Mail): Promise<void>
  close(): Promise<void>
}
export class MailError extends Error {
  readonly kind: 'unavailable' | 'rejected' | 'timeout'
  constructor(kind: 'unavailable' | 'rejected' | 'timeout', cause: unknown) {
    super(`mail: ${kind}`, { cause })
    this.kind = kind
  }
}

import type { Clock } from '../clock/port.ts'
import { type Mail, MailError, type Mailer } from './port.ts'

/** A mail as the development inbox shows it. */
export type ReceivedMail = Mail & { readonly id: number; readonly at: number }
export type Inbox = Mailer & {
  /** Newest first. */
  list(): readonly ReceivedMail[]
}

/** Older ones are dropped: an inbox in memory must not grow for ever. */
const mostMails = 200

/** Development: keeps mails in memory for /dev/mail instead of sending them. */
export function inboxMailer(clock: Clock): Inbox {
  const mails: ReceivedMail[] = []
  let count = 0
  return {
    async send(mail) {
      // What a server refuses as an envelope is refused here too, so that a mistake shows in development.
      if (!/^[^\s@<>]+@[^\s@<>]+$/.test(mail.to)) throw new MailError('rejected', new Error('not an address'))
      count += 1
      mails.unshift({ ...mail, id: count, at: clock.now() })
      mails.length = Math.min(mails.length, mostMails)
    },
    list: () => [...mails],
    close: async () => {},
  }
}

import type { Mail } from '../../adapters/mail/port.ts'
import type { Area } from '../area.ts'
import { errors } from '../http/errors.ts'
import { html } from './html.ts'
import { sendPage, viewerOf } from './page.ts'

/**
 * `/dev/mail`: what the server would have sent. In development only, where mail is kept in memory, and for this machine only:
 * the mails hold links that sign people in.
 */
export const inboxArea = (received: (() => readonly Mail[]) | undefined): Area => ({
  name: 'inbox',
  build({ config }) {
    if (config.profile !== 'development' || !received) return {}
    return {
      mounts: [
        {
          name: '/dev/mail',
          paths: ['/dev/mail'],
          async handle(context) {
            if (!isThisMachine(context.state.scope.ip)) throw errors.not_found()
            if (context.method !== 'GET' && context.method !== 'HEAD') {
              throw errors.method_not_allowed({ headers: { allow: 'GET, HEAD' } })
            }
            const mails = received()
            const rows = mails.map(
              ({ to, subject, text }) => html`<article><h2>${subject}</h2><p>${to}</p><pre>${text}</pre></article>`,
            )
            const body = mails.length === 0 ? html`<p>No mail yet.</p>` : html`${rows}`
            sendPage(context, viewerOf(context), { title: 'Mail', body })
          },
        },
      ],
    }
  },
})

const isThisMachine = (address: string): boolean => address === '::1' || address.startsWith('127.')

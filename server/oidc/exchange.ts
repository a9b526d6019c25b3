import { AsyncLocalStorage } from 'node:async_hooks'
import type { RequestScope } from '../http/request-scope.ts'
import type { Permit, SeenEpochs } from '../issuance/issue.ts'
import type { Derived } from './mint-access-token.ts'
import type { SecurityEvent } from './security-log.ts'

/** What one HTTP request has found and been permitted so far; the library's hooks and our adapter meet here. */
export type Exchange = {
  readonly scope: RequestScope
  /** The token endpoint spends tokens; elsewhere they are only looked at. */
  readonly spends: boolean
  /** Epochs of what this request spends: the session, the sign-in, the code or the refresh token. */
  source?: SeenEpochs
  /** A sign-in that has just been judged, until its session stands. */
  signIn?: { readonly accountId: string; readonly epoch: number; readonly grant: string; readonly deviceKnown: boolean }
  /** The session row as it was read: an unchanged one is not written again. */
  session?: {
    readonly idHash: string
    readonly accountId?: string
    readonly payload: string
    readonly expiresAt: number
  }
  /** Hash of the authorization code that was presented. */
  code?: string
  /** The refresh token that was presented; `successor` where it was spent a moment ago by the same client. */
  refresh?: { readonly value: string; readonly successor?: string }
  /** Said of the presented code or refresh token by its row: it had been spent. */
  replayed?: 'code' | 'refresh'
  /** What an auditor is told, in the transaction of the change it tells of (`security-log.ts`). */
  readonly events: SecurityEvent[]
  /** What the browser says it is, as far as a person is shown it again. */
  readonly agent?: string
  /** What the token endpoint was asked for. */
  grantType?: string
  /** Stood in the address of the device page: filled in, never sent by itself. */
  readonly userCode?: string
  /** The client that has been authenticated. */
  clientId?: string
  /** What an own grant makes its token of (`mint-access-token.ts`). */
  derived?: Derived
  /** By id of the credential. */
  readonly permits: Map<string, Permit>
}

export type Exchanges = {
  run<T>(
    start: Pick<Exchange, 'scope' | 'spends' | 'userCode' | 'agent'>,
    task: (exchange: Exchange) => Promise<T>,
  ): Promise<T>
  /** Throws outside of `run`: whatever runs there has no request, hence no permit. */
  current(): Exchange
  /** Where work also runs without a request (jobs, deliveries). */
  perhaps(): Exchange | undefined
}

export function createExchanges(): Exchanges {
  const storage = new AsyncLocalStorage<Exchange>()
  return {
    run: (start, task) => {
      const exchange: Exchange = { ...start, events: [], permits: new Map() }
      return storage.run(exchange, () => task(exchange))
    },
    current: () => {
      const exchange = storage.getStore()
      if (!exchange) throw new Error('oidc: a hook of the library ran outside of a request')
      return exchange
    },
    perhaps: () => storage.getStore(),
  }
}

const longestAgent = 200

/** What a browser says of itself; shown to the person again, and believed by nobody. */
export const agentOf = (context: { get(name: string): string }): string =>
  context.get('user-agent').slice(0, longestAgent)

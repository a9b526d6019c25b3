import type { TokenEndpointGrantContext } from 'oidc-provider'
import type { Clock } from '../../adapters/clock/port.ts'
import { type Database, DatabaseError } from '../../adapters/database/port.ts'
import type { Exchanges } from './exchange.ts'
import type { Library } from './library.ts'
import { isProtocolRefusal, toProtocolError } from './protocol-errors.ts'
import type { SecurityLog } from './security-log.ts'
import { issuedEvents } from './token-events.ts'
import { createTokenRows } from './token-rows.ts'

type GrantHandler<Params extends object> = (ctx: TokenEndpointGrantContext<Params>) => void | Promise<void>

/** Tries of a transaction that the database ended to let another go first. */
const rounds = 3

/**
 * Runs the grant in one transaction: what is spent and what is given stand or fall together, and whoever comes at the same time
 * waits on the row (provider.md §10). A refusal commits (a failed try burns the code, a reuse revokes the family); a fault
 * rolls everything back, and the client may try again.
 */
export function spendOnce<Params extends object>(
  kit: {
    readonly library: Library
    readonly database: Database
    readonly clock: Clock
    readonly exchanges: Exchanges
    readonly securityLog: SecurityLog
    readonly tenantId: string
  },
  handler: GrantHandler<Params>,
): GrantHandler<Params> {
  const rows = createTokenRows(kit.database, kit.tenantId)
  return async (ctx) => {
    const exchange = kit.exchanges.current()
    const clientId = ctx.oidc.client?.clientId
    if (clientId !== undefined) exchange.clientId = clientId
    exchange.grantType = String(ctx.oidc.params.grant_type)
    const spend = () =>
      kit.securityLog.within(exchange, async () => {
        delete exchange.replayed
        try {
          await handler(ctx)
          exchange.events.push(...issuedEvents(exchange))
          return undefined
        } catch (error) {
          if (!isProtocolRefusal(kit.library, error)) throw error
          // The library leaves a code good after a wrong verifier; a second guess must not be heard (provider.md §11.4).
          if (exchange.code !== undefined) await rows.consume('oidc_code', exchange.code, kit.clock.now())
          return error
        }
      })
    // The transaction itself may fail, beside everything that runs in it: no connection, no end to waiting.
    const refusal = await untilSerialized(spend).catch((error: unknown) => {
      throw toProtocolError(kit.library, error, 'token')
    })
    if (refusal) throw refusal
  }
}

async function untilSerialized<T>(run: () => Promise<T>): Promise<T> {
  for (let round = 1; ; round += 1) {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.kind !== 'serialization' || round === rounds) throw error
    }
  }
}

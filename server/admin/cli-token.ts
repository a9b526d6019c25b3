import { createHash, timingSafeEqual } from 'node:crypto'
import { chmod, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Authenticated, TokenVerifier } from '../http/authentication.ts'
import type { Kernel } from '../kernel.ts'
import { createTupleStore } from '../relations/tuple-store.ts'
import { defaultTenantId } from '../tenancy/tenants.ts'
import { entity } from './request.ts'

/** The name of the file below the data folder. */
export const cliTokenFile = 'cli-token'
/** No client of this id can be made: it has no secret, and what it holds is given and taken here. */
export const cliClientId = 'writ-cli'

const prefix = 'writ_cli_'
const sessionMilliseconds = 60_000

export type CliToken = { readonly verifier: TokenVerifier; start(): Promise<void>; stop(): Promise<void> }

/**
 * The command line's key to a server in development, for whoever can read the data folder (surface.md, CLI): 256 bits made at
 * each start, in a file that only its owner reads, good while the server listens on loopback and runs. It speaks for a client
 * that administers the default tenant, so what it does is decided and audited like everybody's doings.
 */
export function createCliToken(kernel: Kernel): CliToken {
  const { config, secrets, clock, database, withTransaction } = kernel
  const isServed = config.profile === 'development' && isLoopback(config.host)
  const file = join(config.dataFolder, cliTokenFile)
  const token = `${prefix}${secrets.token(32)}`
  const expected = digest(token)
  const client = entity('Client', cliClientId)
  const tuple = {
    resource: entity('Tenant', defaultTenantId),
    relation: 'admin',
    subject: { kind: 'one', entity: client },
  } as const
  const setAdmin = async (isAdmin: boolean) => {
    const tuples = createTupleStore(database, defaultTenantId)
    if (((await tuples.find(tuple)) !== undefined) === isAdmin) return
    await withTransaction({ tenantId: defaultTenantId, subject: entity('Server', 'start') }, async (unit) => {
      if (isAdmin) await tuples.put(unit, tuple, 'the command line in development')
      else await tuples.remove(unit, tuple)
      unit.audit({
        action: isAdmin ? 'role.assign' : 'role.unassign',
        resource: tuple.resource,
        detail: { subject: cliClientId },
      })
    })
  }
  return {
    verifier: {
      async verify(tenant, given) {
        if (!isServed || tenant.id !== defaultTenantId || !given.startsWith(prefix)) return undefined
        if (!timingSafeEqual(digest(given), expected)) return undefined
        const who: Authenticated = {
          subject: client,
          client,
          scopes: new Set(),
          expiresAt: clock.now() + sessionMilliseconds,
        }
        return who
      },
    },
    async start() {
      await setAdmin(isServed)
      if (!isServed) return rm(file, { force: true })
      await rm(file, { force: true })
      await writeFile(file, `${token}\n`, { mode: 0o600 })
      // A umask may only take away; a file system without modes is the owner's to guard.
      await chmod(file, 0o600)
    },
    stop: () => rm(file, { force: true }),
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host)

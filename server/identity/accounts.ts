import { randomUUID } from 'node:crypto'
import { type Database, DatabaseError } from '../../adapters/database/port.ts'
import type { UnitOfWork } from '../events/unit-of-work.ts'
import { errors } from '../http/errors.ts'
import { entityOf } from './entities.ts'
import { identityErrors } from './errors.ts'
import { type Identifier, parseEmail } from './identifiers.ts'
import type { PasswordHash } from './passwords.ts'
import { tellSignOuts } from './tell-sign-outs.ts'

export type AccountStatus = 'active' | 'disabled' | 'deleted'

export type Account = {
  /** UUID v4; the `sub` of tokens. */
  readonly id: string
  readonly status: AccountStatus
  readonly claims: { readonly [name: string]: unknown }
  readonly locale?: string
  readonly epoch: number
  /** For ETags: rises with every change. */
  readonly version: number
  readonly createdAt: number
  readonly updatedAt: number
  readonly passwordChangedAt?: number
  readonly email?: { readonly address: string; readonly isVerified: boolean }
  readonly phone?: { readonly number: string; readonly isVerified: boolean }
  readonly username?: string
}

export type NewAccount = {
  readonly id?: string
  readonly email?: string
  readonly emailVerified?: boolean
  readonly claims?: { readonly [name: string]: unknown }
  readonly locale?: string
}

export type AccountChange = {
  readonly ifVersion?: number
  readonly email?: string
  readonly emailVerified?: boolean
  readonly claims?: { readonly [name: string]: unknown }
  readonly locale?: string
}

const columns = `a.id, a.status, a.claims, a.locale, a.epoch, a.version, a.created_at, a.updated_at, a.password_changed_at,
  (select jsonb_agg(jsonb_build_object('kind', i.kind, 'shown', i.shown, 'verified', i.verified_at is not null) order by i.created_at)
     from identifier i where i.tenant_id = a.tenant_id and i.account_id = a.id) as identifiers`

const findStatement = {
  name: 'account-find',
  text: `select ${columns} from account a where a.tenant_id = $1 and a.id = $2`,
}

const signInStatement = {
  name: 'account-sign-in',
  text: `select a.id, a.status, a.epoch, i.verified_at, c.data as password
from identifier i join account a on a.tenant_id = i.tenant_id and a.id = i.account_id
left join credential c on c.tenant_id = a.tenant_id and c.account_id = a.id and c.kind = 'password' and c.revoked_at is null
where i.tenant_id = $1 and i.kind = $2 and i.normalized = $3 order by c.created_at desc limit 1`,
}

/** Accounts of one tenant. Changes are made inside `withTransaction`, whose unit of work is passed in. */
export function createAccounts(database: Database, tenantId: string) {
  const find = async (id: string): Promise<Account | undefined> => {
    const [row] = await database.query<AccountRecord>(findStatement, [tenantId, id])
    return row ? accountOf(row) : undefined
  }
  const get = async (id: string): Promise<Account> => {
    const account = await find(id)
    if (!account) throw identityErrors.account_not_found()
    return account
  }
  const changed = (unit: UnitOfWork, id: string, action: string, detail: object = {}) => {
    unit.changed({ kind: 'entity', entity: { type: 'User', id } })
    unit.audit({ action: `identity.user.${action}`, resource: entityOf('User', id), detail })
    unit.emit(`identity.user.${action}`, { userId: id, ...detail })
  }

  return {
    find,
    get,

    /** Who signs in by this address, with what it takes to judge the password. */
    async findForSignIn({ kind, normalized }: Identifier): Promise<SignInAccount | undefined> {
      const [row] = await database.query<SignInRecord>(signInStatement, [tenantId, kind, normalized])
      if (!row) return undefined
      return {
        id: row.id,
        status: row.status,
        epoch: Number(row.epoch),
        isVerified: row.verified_at !== null,
        ...(row.password ? { password: row.password } : {}),
      }
    },

    async create(unit: UnitOfWork, input: NewAccount, now: number): Promise<Account> {
      const id = input.id ?? randomUUID()
      const at = new Date(now)
      await database.query(
        {
          name: 'account-create',
          text: 'insert into account (tenant_id, id, claims, locale, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)',
        },
        [tenantId, id, JSON.stringify(input.claims ?? {}), input.locale ?? null, at],
      )
      if (input.email !== undefined)
        await putEmail(database, { tenantId, accountId: id }, input.email, input.emailVerified === true ? at : null)
      changed(unit, id, 'created')
      return get(id)
    },

    async update(unit: UnitOfWork, id: string, change: AccountChange, now: number): Promise<Account> {
      const at = new Date(now)
      const rows = await database.query<{ id: string }>(
        {
          name: 'account-update',
          text: `update account set claims = coalesce($3, claims), locale = coalesce($4, locale), version = version + 1, updated_at = $5
where tenant_id = $1 and id = $2 and ($6::bigint is null or version = $6) returning id`,
        },
        [
          tenantId,
          id,
          change.claims ? JSON.stringify(change.claims) : null,
          change.locale ?? null,
          at,
          change.ifVersion ?? null,
        ],
      )
      if (rows.length === 0) {
        await get(id)
        throw errors.version_conflict()
      }
      if (change.email !== undefined) {
        await putEmail(database, { tenantId, accountId: id }, change.email, change.emailVerified === true ? at : null)
        // Another address is another way in: what was given before is judged anew (people.md §8).
        await tellSignOuts(database, unit, { tenantId, accountId: id })
        unit.raiseEpoch(entityOf('User', id))
      } else if (change.emailVerified !== undefined) {
        await database.query(
          {
            name: 'identifier-verify',
            text: `update identifier set verified_at = case when $3::boolean then coalesce(verified_at, $4) end
where tenant_id = $1 and account_id = $2 and kind = 'email'`,
          },
          [tenantId, id, change.emailVerified, at],
        )
      }
      changed(unit, id, 'updated', { changed: Object.keys(change).filter((name) => name !== 'ifVersion') })
      return get(id)
    },

    /** Replaces the password; every session and token of before ends by the raised epoch (security.md §2.25). */
    async setPassword(unit: UnitOfWork, id: string, hash: PasswordHash, now: number): Promise<void> {
      const at = new Date(now)
      await database.query(
        {
          name: 'password-revoke',
          text: `update credential set revoked_at = $3 where tenant_id = $1 and account_id = $2 and kind = 'password' and revoked_at is null`,
        },
        [tenantId, id, at],
      )
      await database.query(
        {
          name: 'password-put',
          text: `insert into credential (tenant_id, id, account_id, kind, data, created_at) values ($1, $2, $3, 'password', $4, $5)`,
        },
        [tenantId, randomUUID(), id, JSON.stringify(hash), at],
      )
      await database.query(
        {
          name: 'password-changed',
          text: 'update account set password_changed_at = $3, version = version + 1, updated_at = $3 where tenant_id = $1 and id = $2',
        },
        [tenantId, id, at],
      )
      await tellSignOuts(database, unit, { tenantId, accountId: id })
      unit.raiseEpoch(entityOf('User', id))
      unit.audit({ action: 'identity.credential.added', resource: entityOf('User', id), detail: { kind: 'password' } })
      unit.emit('identity.credential.added', { userId: id, kind: 'password' })
    },

    /** Disables, enables, deletes (soft) or restores. The raised epoch ends what it was given; `endAccess` also removes it. */
    async setStatus(unit: UnitOfWork, id: string, status: AccountStatus, now: number): Promise<Account> {
      const rows = await database.query(
        {
          name: 'account-status',
          text: `update account set status = $3, version = version + 1, updated_at = $4
where tenant_id = $1 and id = $2 and status <> $3 returning id`,
        },
        [tenantId, id, status, new Date(now)],
      )
      const account = await get(id)
      if (rows.length === 0) return account
      unit.raiseEpoch(entityOf('User', id))
      changed(unit, id, status === 'active' ? 'enabled' : status)
      if (status !== 'active') await endAccess(database, unit, { tenantId, accountId: id })
      return account
    },

    /** Ends every session and grant of the account, and by the epoch what is out in the world as a JWT. */
    async endSessions(unit: UnitOfWork, id: string): Promise<void> {
      await get(id)
      await endAccess(database, unit, { tenantId, accountId: id })
      unit.raiseEpoch(entityOf('User', id))
      unit.audit({ action: 'identity.session.ended', resource: entityOf('User', id), detail: { all: true } })
      unit.emit('identity.session.ended', { userId: id, all: true })
    },
  }
}
export type Accounts = ReturnType<typeof createAccounts>

export type SignInAccount = {
  readonly id: string
  readonly status: AccountStatus
  readonly epoch: number
  readonly isVerified: boolean
  readonly password?: PasswordHash
}

type AccountRecord = {
  readonly id: string
  readonly status: AccountStatus
  readonly claims: { readonly [name: string]: unknown }
  readonly locale: string | null
  readonly epoch: string
  readonly version: string
  readonly created_at: Date
  readonly updated_at: Date
  readonly password_changed_at: Date | null
  readonly identifiers: readonly { readonly kind: string; readonly shown: string; readonly verified: boolean }[] | null
}
type SignInRecord = {
  readonly id: string
  readonly status: AccountStatus
  readonly epoch: string
  readonly verified_at: Date | null
  readonly password: PasswordHash | null
}

/** One e-mail address an account; an unverified one of somebody else is released when ours is verified (people.md §1). */
async function putEmail(
  database: Database,
  of: { readonly tenantId: string; readonly accountId: string },
  address: string,
  verifiedAt: Date | null,
): Promise<void> {
  const email = parseEmail(address)
  if (!email) throw identityErrors.identifier_invalid()
  const { tenantId, accountId } = of
  if (verifiedAt) {
    await database.query(
      {
        name: 'identifier-release',
        text: `delete from identifier where tenant_id = $1 and kind = 'email' and normalized = $2 and verified_at is null and account_id <> $3`,
      },
      [tenantId, email.normalized, accountId],
    )
  }
  await database.query(
    {
      name: 'identifier-replace',
      text: `delete from identifier where tenant_id = $1 and account_id = $2 and kind = 'email'`,
    },
    [tenantId, accountId],
  )
  try {
    await database.query(
      {
        name: 'identifier-put',
        text: `insert into identifier (tenant_id, kind, normalized, account_id, shown, verified_at) values ($1, 'email', $2, $3, $4, $5)`,
      },
      [tenantId, email.normalized, accountId, email.shown, verifiedAt],
    )
  } catch (error) {
    // Two at once with one address: the key decides, and there is one account (security.md §2.21).
    if (error instanceof DatabaseError && error.kind === 'unique')
      throw identityErrors.identifier_taken({ cause: error })
    throw error
  }
}

/** Families that know the account; the others hang on its grants. */
const ownTables: ReadonlySet<string> = new Set([
  'oidc_session',
  'oidc_grant',
  'oidc_device_code',
  'oidc_backchannel_request',
])

/** O(what the account holds): every family is indexed by account or by grant. */
async function endAccess(
  database: Database,
  unit: UnitOfWork,
  { tenantId, accountId }: { readonly tenantId: string; readonly accountId: string },
): Promise<void> {
  await tellSignOuts(database, unit, { tenantId, accountId })
  const tables = [
    'oidc_session',
    'oidc_code',
    'oidc_access_token',
    'oidc_refresh_token',
    'oidc_device_code',
    'oidc_backchannel_request',
    'oidc_grant',
  ] as const
  for (const table of tables) {
    const text = ownTables.has(table)
      ? `delete from ${table} where tenant_id = $1 and account_id = $2`
      : `delete from ${table} t using oidc_grant g
where g.tenant_id = $1 and g.account_id = $2 and t.tenant_id = g.tenant_id and t.grant_hash = g.id_hash`
    await database.query({ name: `end-access-${table}`, text }, [tenantId, accountId])
  }
}

function accountOf(row: AccountRecord): Account {
  const of = (kind: string) => row.identifiers?.find((identifier) => identifier.kind === kind)
  const email = of('email')
  const phone = of('phone')
  const username = of('username')
  return {
    id: row.id,
    status: row.status,
    claims: row.claims,
    ...(row.locale !== null ? { locale: row.locale } : {}),
    epoch: Number(row.epoch),
    version: Number(row.version),
    createdAt: row.created_at.getTime(),
    updatedAt: row.updated_at.getTime(),
    ...(row.password_changed_at ? { passwordChangedAt: row.password_changed_at.getTime() } : {}),
    ...(email ? { email: { address: email.shown, isVerified: email.verified } } : {}),
    ...(phone ? { phone: { number: phone.shown, isVerified: phone.verified } } : {}),
    ...(username ? { username: username.shown } : {}),
  }
}

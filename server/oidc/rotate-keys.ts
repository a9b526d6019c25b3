import type { Actor } from '../events/unit-of-work.ts'
import { entityOf } from '../identity/entities.ts'
import type { Kernel } from '../kernel.ts'
import { algorithmsOf } from './algorithms.ts'
import { insertSigningKeys, keyPurpose, makeSigningKeys } from './keys.ts'
import { createOpenidSettings } from './registration/openid-settings.ts'

const day = 24 * 60 * 60 * 1_000
/** Every verifier has read the next key by then: JWKS are kept for minutes, by some for a day. */
const announcedMilliseconds = day
/** No token lives as long: nothing signed by a retired key is cut off (provider.md §5). */
const retiredMilliseconds = day
/** Age at which a current key is replaced. */
const dueMilliseconds = 90 * day

export type Rotation = {
  /** Sign with the next key at once, though verifiers may not know it yet. */
  readonly now?: boolean
  /** The current key is in other hands: nothing that it signed is good any more. Implies `now`. */
  readonly compromised?: boolean
}
/** `announced`: the next keys are published; `waiting`: not yet for a day; `rotated`: they sign. */
export type Rotated = { readonly step: 'announced' | 'waiting' | 'rotated'; readonly kids: readonly string[] }

/**
 * One step of next → current → retired (provider.md §5). Providers are built anew at the next request; those under way end with
 * the keys they began with.
 */
export async function rotateSigningKeys(
  kernel: Kernel,
  actor: Actor,
  { now, compromised }: Rotation,
): Promise<Rotated> {
  const { tenantId } = actor
  const { database, clock } = kernel
  // Outside of the transaction: RSA takes a while. Of what was made in vain nothing is kept.
  const settings = await createOpenidSettings(database, tenantId).read()
  const made = await makeSigningKeys(kernel, algorithmsOf(settings))
  const run = (name: string, text: string, values: readonly unknown[] = []) =>
    database.query<{ kid: string; created_at: Date }>({ name: `signing-key-${name}`, text }, [tenantId, ...values])
  const { value } = await kernel.withTransaction(actor, async (unit) => {
    await run('lock', 'select id from tenant where id = $1 for update')
    const next = await run(
      'next',
      `select kid, created_at from signing_key where tenant_id = $1 and state = 'next' ${keyPurpose}`,
    )
    const isForced = now === true || compromised === true
    const youngest = Math.max(...next.map(({ created_at: at }) => at.getTime()))
    if (!isForced && next.length > 0 && clock.now() - youngest < announcedMilliseconds) {
      unit.recordOnly()
      return { step: 'waiting', kids: next.map(({ kid }) => kid) } as const
    }
    const isAnnouncing = next.length === 0
    if (isAnnouncing) await insertSigningKeys(kernel, unit, { tenantId, keys: made, state: 'next' })
    const kids = isAnnouncing ? made.map(({ kid }) => kid) : next.map(({ kid }) => kid)
    unit.changed({ kind: 'keys' })
    if (isAnnouncing && !isForced) return { step: 'announced', kids } as const

    const tenant = entityOf('Tenant', tenantId)
    if (compromised) {
      await run(
        'drop',
        `delete from signing_key where tenant_id = $1 and state in ('current', 'retired') ${keyPurpose}`,
      )
      unit.raiseEpoch(tenant)
    } else {
      await run(
        'retire',
        `update signing_key set state = 'retired', retires_at = $2 where tenant_id = $1 and state = 'current' ${keyPurpose}`,
        [new Date(clock.now() + retiredMilliseconds)],
      )
    }
    await run(
      'promote',
      `update signing_key set state = 'current' where tenant_id = $1 and state = 'next' ${keyPurpose}`,
    )
    const detail = { kids, compromised: compromised === true }
    unit.audit({ action: 'oidc.key.rotated', resource: tenant, detail })
    unit.emit('oidc.key.rotated', detail)
    return { step: 'rotated', kids } as const
  })
  return value
}

/** Tenants whose turn it is, one step each; and what has been retired long enough is gone. Answers how many had a step. */
export async function rotateDueKeys(kernel: Kernel): Promise<number> {
  const now = kernel.clock.now()
  const due = await kernel.database.query<{ tenant_id: string }>(
    {
      name: 'signing-key-due',
      text: `select k.tenant_id from signing_key k where k.state = 'current' and k.created_at < $1 ${keyPurpose}
and not exists (select 1 from signing_key n where n.tenant_id = k.tenant_id and n.state = 'next' and n.created_at > $2)
group by k.tenant_id limit 10`,
    },
    [new Date(now - dueMilliseconds), new Date(now - announcedMilliseconds)],
  )
  for (const { tenant_id: tenantId } of due) {
    await rotateSigningKeys(kernel, { tenantId, subject: entityOf('Tenant', tenantId), reason: 'scheduled' }, {})
  }
  const text = "delete from signing_key where state = 'retired' and retires_at < $1"
  await kernel.database.query({ name: 'signing-key-expire', text }, [new Date(now)])
  return due.length
}

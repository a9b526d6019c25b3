import type { Logger } from 'pino'
import type { Database, Statement } from '../../adapters/database/port.ts'
import type { Secrets } from '../../adapters/secrets/port.ts'
import type { Program } from '../../policy-lang/run.ts'
import type { ActivePolicy } from './active-policy.ts'
import { limits } from './limits.ts'
import { openProgram, sealAtLeisure } from './sealed-program.ts'

/** Compiled programs of tenants, sealed, beside the versions that they were compiled from. */
export type ProgramStore = {
  /** Undefined where there is none that may run; an altered one is refused with an alarm. */
  find(tenantId: string, version: string): Promise<Program | undefined>
  /** Stores what is not there yet, for the newest few versions of a tenant. Never throws: without it the next start compiles. */
  keep(policy: ActivePolicy): Promise<void>
}

export function createProgramStore(deps: {
  readonly database: Database
  readonly secrets: Secrets
  readonly log: Logger
  readonly compiler: () => Promise<string>
}): ProgramStore {
  const { database, secrets, log, compiler } = deps
  const key = secrets.deriveKey('policy-program')
  const refused = new Set<string>()
  return {
    async find(tenantId, version) {
      const [row] = await database.query<{ readonly sealed: string }>(findProgram, [tenantId, version])
      if (!row) return undefined
      const opened = openProgram(key, { tenantId, version, compiler: await compiler() }, row.sealed)
      if (typeof opened === 'object') return opened
      // Another compiler's proof does not hold here either: after an upgrade that is no alarm, and never a reason to run it.
      log.warn({ tenantId, version, why: opened, alarm: 'program_refused' }, 'a stored program is not used')
      refused.add(JSON.stringify([tenantId, version]))
      return undefined
    },
    async keep({ tenantId, version, program }) {
      try {
        // One that was refused is replaced; else writing it out is spared.
        const isRefused = refused.delete(JSON.stringify([tenantId, version]))
        if (!isRefused && (await database.query(hasProgram, [tenantId, version])).length > 0) return
        const sealed = await sealAtLeisure(key, { tenantId, version, compiler: await compiler() }, program)
        if (sealed.length > limits.sealedProgramCharacters) return
        await database.query(putProgram, [tenantId, version, sealed])
        await database.query(prunePrograms, [tenantId, limits.sealedProgramsPerTenant])
      } catch (error) {
        log.warn({ err: error, tenantId, version }, 'a compiled program could not be stored')
      }
    },
  }
}

const findProgram: Statement = {
  name: 'policy-program-find',
  text: 'select sealed from policy_program where tenant_id = $1 and version = $2',
}
const hasProgram: Statement = {
  name: 'policy-program-has',
  text: 'select 1 from policy_program where tenant_id = $1 and version = $2',
}
const putProgram: Statement = {
  name: 'policy-program-put',
  text: `
insert into policy_program (tenant_id, version, sealed) values ($1, $2, $3)
on conflict (tenant_id, version) do update set sealed = excluded.sealed, created_at = now()`,
}
const prunePrograms: Statement = {
  name: 'policy-program-prune',
  text: `
delete from policy_program where tenant_id = $1 and version not in (
  select version from policy_program where tenant_id = $1 order by created_at desc, version limit $2)`,
}

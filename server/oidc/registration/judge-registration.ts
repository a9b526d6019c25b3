import type { Egress } from '../../../adapters/egress/port.ts'
import type { RequestScope } from '../../http/request-scope.ts'
import type { Kernel } from '../../kernel.ts'
import { detailTypesOf } from '../authorization-details.ts'
import type { ClientMetadata } from '../client-metadata.ts'
import type { Providers } from '../providers.ts'
import { requireRegistrable, requireServable, requireUpdatable } from './judge-client.ts'
import { type Candidate, readMetadata, type WireMetadata } from './read-metadata.ts'
import type { Way } from './registered-clients.ts'
import { requireUsable } from './require-usable.ts'
import type { ReadStatement, Statement } from './software-statements.ts'
import { type Terms, within } from './terms.ts'

export type JudgeOptions = {
  readonly kernel: Kernel
  readonly providers: Providers
  readonly readStatement: ReadStatement
  readonly egress: Egress | undefined
}

export type Asked = {
  readonly scope: RequestScope
  /** Who asks, as the rules see it. */
  readonly as: RequestScope
  readonly way: Way
  readonly terms: Terms
  readonly wire: WireMetadata
  readonly clientId: string
  readonly isNew: boolean
  /** What an administrator has said of the client; nothing that it says itself changes that. */
  readonly kept: Partial<ClientMetadata>
}
export type Judged = Candidate & { readonly decisionId: string; readonly statement?: Statement }

/** Everything that a registration, and every change as if it were one, has to stand up to. */
export async function judgeRegistration(options: JudgeOptions, asked: Asked): Promise<Judged> {
  const { kernel } = options
  const { scope, way, clientId } = asked
  const statement = await options.readStatement(scope.tenant, asked.wire.software_statement, kernel.clock.now())
  const wire = { ...asked.wire, ...statement?.claims }
  const read = readMetadata(wire, asked.terms)
  const candidate = { name: read.name, metadata: { ...within(asked.terms, read.metadata), ...asked.kept } }
  requireServable(candidate)
  const application = {
    scope: asked.as,
    way,
    candidate,
    ...(asked.isNew ? {} : { clientId }),
    ...(statement ? { statement: statement.said } : {}),
  }
  const decisionId = await requireRegistrable(kernel.decisions, application)
  if (!asked.isNew) await requireUpdatable(kernel.decisions, application)
  const detailTypes = detailTypesOf(scope.policy.program)
  const tenantProvider = await options.providers.of(scope.tenant)
  await requireUsable(tenantProvider, { ...candidate, clientId, detailTypes }, options.egress)
  return { ...candidate, decisionId, ...(statement ? { statement } : {}) }
}

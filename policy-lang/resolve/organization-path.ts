import type { EntityInfo, Environment } from './environment.ts'
import type { Reporter } from './reporter.ts'

/**
 * A type reaches its organization by an attribute or link of that name, else by its only chain of required links (SPEC 3).
 * Organization reaches itself. Two chains are an error that says both.
 */
export function resolveOrganizationPaths(environment: Environment, reporter: Reporter): void {
  const known = new Map<EntityInfo, readonly (readonly string[])[]>()
  // By name, so that the order of declarations shows nowhere, not even in a cycle of required links.
  const infos = [...environment.entities.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const info of infos) {
    const chains = chainsOf(info, environment, known)
    if (chains.length > 1)
      reporter.report('F4013', info.span, `${info.name} reaches its organization in two ways`, {
        notes: chains.map((chain) => ({ message: chain.join('.') })),
        help: 'declare an attribute or link named `organization`',
      })
    const [only] = chains
    if (only && chains.length === 1) info.organizationPath = only
  }
}

type Known = Map<EntityInfo, readonly (readonly string[])[]>

/** At most two chains: more say nothing new. */
function chainsOf(info: EntityInfo, environment: Environment, known: Known): readonly (readonly string[])[] {
  const done = known.get(info)
  if (done) return done
  // A cycle of required links can hold no entity; it leads nowhere.
  known.set(info, [])
  const chains = info.wire === 'Organization' ? [[]] : (ownChain(info) ?? inheritedChains(info, environment, known))
  known.set(info, chains)
  return chains
}

function ownChain(info: EntityInfo): string[][] | undefined {
  const declared = info.attributes.get('organization')
  if (!declared) return undefined
  const isOrganization = declared.type.kind === 'entity' && declared.type.types.join() === 'Organization'
  return isOrganization ? [['organization']] : []
}

function inheritedChains(info: EntityInfo, environment: Environment, known: Known): string[][] {
  const chains: string[][] = []
  for (const link of info.attributes.values()) {
    if (!link.link || link.optional || link.type.kind !== 'entity') continue
    const target = environment.entitiesByWire.get(link.type.types[0] ?? '')
    if (!target) continue
    for (const rest of chainsOf(target, environment, known)) chains.push([link.source, ...rest])
  }
  return chains.slice(0, 2)
}

import * as primitive from '../builtins/primitive-types.ts'
import type { FieldType, Type } from '../ir/types.ts'
import type { Environment } from './environment.ts'

/**
 * What every request may say, always typed (SPEC 3). Executors fill `scopes` and `priorActors` with the empty set where a
 * caller sends none.
 */
export function resolveStandardContext(environment: Environment): void {
  const wires = [...environment.entitiesByWire.keys()].sort()
  const every: Type & { kind: 'entity' } = { kind: 'entity', types: wires }
  const texts: Type = { kind: 'set', of: primitive.string }
  const acr: Type = { kind: 'enum', values: ['pwd', 'mfa', 'phr', 'phrh'], ordered: true, name: 'Acr' }
  const session: Type = {
    kind: 'record',
    fields: {
      id: required(primitive.string),
      acr: required(acr),
      amr: required(texts),
      authenticatedAt: required(primitive.time),
    },
  }
  environment.standard.everyEntity = every
  environment.standard.everySubject = { kind: 'entity', types: [...wires, 'Anonymous'].sort() }
  environment.standard.context = {
    kind: 'record',
    fields: {
      now: required(primitive.time),
      tenant: required(one('Tenant')),
      scopes: required(texts),
      ip: optional(primitive.ip),
      client: optional(one('Client')),
      session: optional(session),
      organization: optional(one('Organization')),
      actor: optional(every),
      priorActors: required({ kind: 'set', of: every }),
    },
  }
}

const one = (type: string): Type => ({ kind: 'entity', types: [type] })
const required = (type: Type): FieldType => ({ type, optional: false })
const optional = (type: Type): FieldType => ({ type, optional: true })

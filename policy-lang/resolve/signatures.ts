import type { Environment, Param } from './environment.ts'
import type { Reporter } from './reporter.ts'
import { aliasType, fieldsOf, typeOfNode } from './type-of-node.ts'

/** Types behind names: aliases, then parameters of externs and advice. Afterwards no type is looked up with a mistake left. */
export function resolveAliases(environment: Environment, reporter: Reporter): void {
  for (const space of environment.spaces.values())
    for (const alias of space.aliases.values()) {
      if (environment.entities.has(alias.item.name.text))
        reporter.report('F2010', alias.item.name.span, `the type "${alias.item.name.text}" is declared twice`, {
          notes: [{ message: 'an entity type has this name' }],
        })
      aliasType(alias, { environment, unit: alias.unit, reporter })
    }
}

export function resolveSignatures(environment: Environment, reporter: Reporter): void {
  for (const info of environment.externs.values()) {
    const at = { environment, unit: info.unit, reporter }
    const returns = typeOfNode(info.item.returns, at)
    const params: Param[] = [...fieldsOf(info.item.params, 'none', at)].map(([name, field]) => ({ name, field }))
    if (returns && params.length === info.item.params.length) {
      info.returns = returns
      info.params = params
    }
  }
  for (const info of environment.advice.values()) {
    const at = { environment, unit: info.unit, reporter }
    for (const [name, field] of fieldsOf(info.item.params, 'none', at)) info.params.set(name, field)
  }
}

import type * as ast from '../ast/nodes.ts'
import type { Environment, Space, Unit } from './environment.ts'
import type { Reporter } from './reporter.ts'

/** Binds imported names to the module they come from; names that clash with the file's own are refused (no shadowing, SPEC 6). */
export function resolveImports(environment: Environment, reporter: Reporter): void {
  const exported = exportsOf(environment)
  for (const unit of environment.units)
    for (const item of unit.declarations)
      if (item.kind === 'import') importNames(item, unit, { environment, exported, reporter })
}

type Importing = {
  readonly environment: Environment
  /** Names of the composed set that belong to no space, by module. */
  readonly exported: ReadonlyMap<string, ReadonlySet<string>>
  readonly reporter: Reporter
}

function exportsOf(environment: Environment): Map<string, Set<string>> {
  const modules = new Map<string, Set<string>>()
  const add = (unit: Unit, name: string) => {
    if (unit.module === undefined) return
    const names = modules.get(unit.module) ?? new Set()
    modules.set(unit.module, names.add(name))
  }
  for (const info of environment.entities.values()) add(info.unit, info.name)
  for (const info of environment.advice.values()) add(info.unit, info.name)
  for (const info of environment.externs.values()) add(info.unit, info.name)
  return modules
}

function importNames(item: ast.ImportItem, unit: Unit, { environment, exported, reporter }: Importing): void {
  const from = item.from.value
  const space = environment.spaces.get(from)
  const modules = environment.units.flatMap((other) => other.module ?? [])
  if (!space || !modules.includes(from)) {
    reporter.unknown('F2009', { text: from, span: item.from.span }, `unknown module "${from}"`, new Set(modules))
    return
  }
  const global = exported.get(from) ?? new Set()
  for (const name of item.names) {
    if (!hasName(space, name.text) && !global.has(name.text)) {
      const known = [...global, ...space.aliases.keys(), ...space.consts.keys(), ...space.fns.keys()]
      reporter.unknown('F2009', name, `module "${from}" has no "${name.text}"`, known)
      continue
    }
    if (space !== unit.space && hasName(unit.space, name.text)) {
      reporter.report('F2012', name.span, `the imported "${name.text}" would be hidden by this module's own`)
      continue
    }
    const other = unit.imports.get(name.text)
    if (other && other !== space) reporter.report('F2010', name.span, `"${name.text}" is imported from two modules`)
    else unit.imports.set(name.text, space)
  }
}

const hasName = (space: Space, name: string): boolean =>
  space.aliases.has(name) || space.consts.has(name) || space.fns.has(name)

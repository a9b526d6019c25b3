import type * as ast from '../ast/nodes.ts'
import type { Layer } from '../ir/program.ts'
import type { Space, Unit } from './environment.ts'
import type { Reporter } from './reporter.ts'

/** A parsed file and what the caller says about its place. */
export type PlacedFile = {
  readonly path: string
  readonly items: SortedItems
  readonly layer?: Layer
  readonly organization?: string
  /** The name that imports use, where it is not the file's `module`: `writ:identity`. */
  readonly module?: string
}

/** Items by what hangs on them: rules, tests and proofs lean on declarations, nothing leans on those three. */
export type SortedItems = {
  readonly declarations: readonly ast.Item[]
  readonly rules: readonly ast.RuleItem[]
  readonly tests: readonly ast.TestItem[]
  readonly proofs: readonly ast.ProveItem[]
  /** The first item is the `module`, as it must be. */
  readonly beginsWithModule: boolean
}

export function sortItems(items: readonly ast.Item[]): SortedItems {
  const declarations: ast.Item[] = []
  const rules: ast.RuleItem[] = []
  const tests: ast.TestItem[] = []
  const proofs: ast.ProveItem[] = []
  for (const item of items) {
    if (item.kind === 'rule') rules.push(item)
    else if (item.kind === 'test') tests.push(item)
    else if (item.kind === 'prove') proofs.push(item)
    else declarations.push(item)
  }
  return { declarations, rules, tests, proofs, beginsWithModule: items[0]?.kind === 'module' }
}

/** The `module` item, where it stands first. */
export function moduleItem({ declarations: [first], beginsWithModule }: SortedItems): ast.ModuleItem | undefined {
  return beginsWithModule && first?.kind === 'module' ? first : undefined
}

/**
 * Gives every file its layer and name space (SPEC 6): by the caller's word, else a file with `module` is a module's, one
 * under `organizations/<id>/` that organization's, any other the tenant's.
 */
export function placeFiles(
  files: readonly PlacedFile[],
  reporter: Reporter,
): { units: Unit[]; spaces: Map<string, Space> } {
  const spaces = new Map<string, Space>()
  const spaceOf = (name: string): Space => {
    const known = spaces.get(name)
    if (known) return known
    const space: Space = { name, aliases: new Map(), consts: new Map(), fns: new Map() }
    spaces.set(name, space)
    return space
  }
  const units = files.map((placed) => placeFile(placed, spaceOf, reporter))
  return { units, spaces }
}

function placeFile(placed: PlacedFile, spaceOf: (name: string) => Space, reporter: Reporter): Unit {
  const declared = moduleOf(placed.items, reporter)
  const organization = placed.organization ?? /(?:^|\/)organizations\/([^/]+)\//.exec(placed.path)?.[1]
  const layer: Layer = placed.layer ?? (declared ? 'module' : organization === undefined ? 'tenant' : 'organization')
  const module = placed.module ?? declared?.name.text
  const base = { path: placed.path, declarations: placed.items.declarations, layer, imports: new Map() }
  if (layer === 'organization') {
    const id = organization ?? ''
    if (declared)
      reporter.report('F5002', declared.span, 'an organization set cannot be a module', {
        help: 'remove the `module` item',
      })
    return { ...base, organization: id, space: spaceOf(`organizations/${id}`) }
  }
  if (module === undefined) return { ...base, space: spaceOf(layer) }
  return { ...base, module, space: spaceOf(module) }
}

function moduleOf(items: SortedItems, reporter: Reporter): ast.ModuleItem | undefined {
  const declared = moduleItem(items)
  for (const item of items.declarations) {
    if (item.kind === 'module' && item !== declared)
      reporter.report('F5006', item.span, `\`module ${item.name.text}\` is not the first item of its file`, {
        help: 'move it to the top, above every other item',
      })
  }
  return declared
}

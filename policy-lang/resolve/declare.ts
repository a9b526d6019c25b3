import type * as ast from '../ast/nodes.ts'
import type { Span } from '../source/span.ts'
import type { Environment, Space, Unit } from './environment.ts'
import { checkMarks, markText, wireName } from './marks.ts'
import type { Reporter } from './reporter.ts'
import { checkSpelling } from './spelling.ts'
import { builtinTypeNames } from './type-of-node.ts'

/** Enters every declared name; what the names mean comes later, so that order never matters. */
export function declareNames(
  units: readonly Unit[],
  spaces: ReadonlyMap<string, Space>,
  reporter: Reporter,
): Environment {
  const environment = emptyEnvironment(units, spaces)
  const taken = new Map<string, Span>()
  for (const unit of units)
    for (const item of unit.declarations) {
      checkLayer(item, unit, reporter)
      declareItem(item, unit, { environment, taken, reporter })
    }
  return environment
}

type Declaring = { readonly environment: Environment; readonly taken: Map<string, Span>; readonly reporter: Reporter }

function emptyEnvironment(units: readonly Unit[], spaces: ReadonlyMap<string, Space>): Environment {
  const nobody = { kind: 'entity', types: [] as readonly string[] } as const
  return {
    units,
    spaces,
    entities: new Map(),
    entitiesByWire: new Map(),
    actions: new Map(),
    actionLists: new Map(),
    advice: new Map(),
    externs: new Map(),
    standard: { context: { kind: 'record', fields: {} }, everyEntity: nobody, everySubject: nobody },
  }
}

/** An organization writes rules and their tools only (SPEC 6). */
const organizationItems = new Set<ast.Item['kind']>(['rule', 'fn', 'const', 'test', 'prove', 'module'])

function checkLayer(item: ast.Item, unit: Unit, reporter: Reporter): void {
  const word =
    item.kind === 'entity' || item.kind === 'action' ? (item.extend ? `extend ${item.kind}` : item.kind) : item.kind
  if (unit.layer === 'organization' && !organizationItems.has(item.kind))
    reporter.report('F5002', item.span, `an organization set cannot hold \`${word}\``, {
      help: 'organization sets hold allow, deny, fn, const, test and prove',
    })
  if (item.kind === 'disable' && unit.layer !== 'tenant' && unit.layer !== 'organization')
    reporter.report('F5002', item.span, 'only a tenant set can hold `disable`')
}

function declareItem(item: ast.Item, unit: Unit, into: Declaring): void {
  const { environment, reporter } = into
  const once = (key: string, name: ast.Name, what: string): boolean => declareOnce(key, name, what, into)
  const space = unit.space.name
  if (item.kind !== 'rule' && item.kind !== 'entity' && item.kind !== 'action') checkMarks(item.marks, 'none', reporter)
  switch (item.kind) {
    case 'type':
      checkSpelling(item.name, reporter)
      if (builtinTypeNames.has(item.name.text)) {
        refuseBuiltinType(item.name, reporter)
        return
      }
      if (once(`type ${space}.${item.name.text}`, item.name, 'type'))
        unit.space.aliases.set(item.name.text, { item, unit, state: 'new' })
      return
    case 'const':
      checkSpelling(item.name, reporter)
      if (once(`value ${space}.${item.name.text}`, item.name, 'constant'))
        unit.space.consts.set(item.name.text, { item, unit, state: 'new' })
      return
    case 'fn':
      checkSpelling(item.name, reporter)
      if (once(`value ${space}.${item.name.text}`, item.name, 'function'))
        unit.space.fns.set(item.name.text, { item, unit, state: 'new' })
      return
    case 'extern':
      checkSpelling(item.name, reporter)
      // Values of externs are named on the wire, so the name is the tenant's, not the module's.
      if (once(`extern ${item.name.text}`, item.name, 'extern'))
        environment.externs.set(item.name.text, { name: item.name.text, item, unit })
      return
    case 'advice':
      checkSpelling(item.name, reporter)
      if (once(`advice ${item.name.text}`, item.name, 'advice'))
        environment.advice.set(item.name.text, { name: item.name.text, item, unit, params: new Map() })
      return
    case 'entity':
      if (!item.extend) declareEntity(item, unit, into)
      return
  }
}

function declareEntity(item: ast.EntityItem, unit: Unit, into: Declaring): void {
  const { environment, reporter } = into
  checkMarks(item.marks, 'entity', reporter)
  checkSpelling(item.name, reporter)
  if (builtinTypeNames.has(item.name.text)) {
    refuseBuiltinType(item.name, reporter)
    return
  }
  if (!declareOnce(`entity ${item.name.text}`, item.name, 'type', into)) return
  const wire = wireName(item.name, item.marks)
  const taken = environment.entitiesByWire.get(wire)
  if (taken || (wire === 'Anonymous' && item.name.text !== wire)) {
    reporter.report('F2010', item.name.span, `the wire name "${wire}" is taken`, notesOf(taken?.span))
    return
  }
  const was = markText(item.marks, 'was')
  const info = {
    name: item.name.text,
    wire,
    ...(was === undefined ? {} : { was }),
    layer: unit.layer,
    unit,
    span: item.name.span,
    attributes: new Map(),
    relations: new Map(),
  }
  environment.entities.set(info.name, info)
  environment.entitiesByWire.set(wire, info)
}

/** A second declaration is an error that names both (SPEC 6). */
function declareOnce(key: string, name: ast.Name, what: string, { taken, reporter }: Declaring): boolean {
  const first = taken.get(key)
  if (first) {
    reporter.report('F2010', name.span, `the ${what} "${name.text}" is declared twice`, notesOf(first))
    return false
  }
  taken.set(key, name.span)
  return true
}

const notesOf = (span: Span | undefined) => (span ? { notes: [{ message: 'first declared here', span }] } : {})

function refuseBuiltinType(name: ast.Name, reporter: Reporter): void {
  reporter.report('F2010', name.span, `"${name.text}" is a built-in type`, { help: 'choose another name' })
}

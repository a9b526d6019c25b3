import { newTally } from './check/at.ts'
import { checkExpression } from './check/expression.ts'
import { checkAs } from './check/values.ts'
import { parseExpression } from './grammar/parse.ts'
import type { Expr } from './ir/nodes.ts'
import type { Program } from './ir/program.ts'
import type { FieldType, Type } from './ir/types.ts'
import type { AttributeInfo, EntityInfo, Environment, Space, Unit } from './resolve/environment.ts'
import { createReporter } from './resolve/reporter.ts'
import type { Diagnostic } from './source/diagnostic.ts'
import { inSourceOrder } from './source/diagnostic-order.ts'
import { makeSourceFile } from './source/source-file.ts'
import type { SourceFile } from './source/span.ts'

/** What an expression outside a policy may use: variables, and the attributes of a program's entity types. */
export type ExpressionEnvironment = {
  readonly variables: { readonly [name: string]: FieldType }
  readonly program?: Program
}

export type CompiledExpression = {
  /** Absent exactly when there are diagnostics. Variables are locals of their own names. */
  readonly expression?: Expr
  readonly diagnostics: readonly Diagnostic[]
  readonly source: SourceFile
}

/**
 * Compiles one expression for claims mappings, gateway maps and migrations. It sees no request, functions or relations.
 *
 * @example compileExpression('claims.email ?? ""', { variables: { claims } }, { kind: 'string' })
 */
export function compileExpression(
  text: string,
  environment: ExpressionEnvironment,
  expected: Type,
): CompiledExpression {
  const { source } = makeSourceFile(0, 'expression', text)
  const parsed = parseExpression(source)
  if (!parsed.expression) return { diagnostics: parsed.diagnostics, source }
  const reporter = createReporter()
  const span = { file: 0, start: 0, end: text.length }
  const locals = Object.entries(environment.variables).map(([name, field]): [string, Expr] => [
    name,
    { kind: 'variable', name, scope: 'local', type: field.type, span, ...(field.optional ? { optional: true } : {}) },
  ])
  const unit = emptyUnit()
  const session = {
    environment: environmentOf(environment.program, unit),
    reporter,
    nesting: { now: 0, deepest: 0 },
    check: checkExpression,
  }
  const at = {
    session,
    unit,
    place: 'expression',
    locals: new Map(locals),
    known: undefined,
    tally: newTally(),
  } as const
  const expression = checkAs(parsed.expression, expected, at)
  const diagnostics = inSourceOrder([...parsed.diagnostics, ...reporter.diagnostics()])
  return expression && diagnostics.length === 0 ? { expression, diagnostics, source } : { diagnostics, source }
}

function emptyUnit(): Unit {
  const space: Space = { name: 'expression', aliases: new Map(), consts: new Map(), fns: new Map() }
  return { path: 'expression', declarations: [], layer: 'tenant', space, imports: new Map() }
}

function environmentOf(program: Program | undefined, unit: Unit): Environment {
  const entities = new Map<string, EntityInfo>()
  for (const type of program?.entityTypes.values() ?? []) {
    const span = { file: 0, start: 0, end: 0 }
    const attributes = [...type.attributes.values()].map((attribute): [string, AttributeInfo] => [
      attribute.name,
      { ...attribute, source: attribute.name, span },
    ])
    const path = type.organizationPath ? { organizationPath: type.organizationPath } : {}
    entities.set(type.name, {
      name: type.name,
      wire: type.name,
      layer: type.layer,
      unit,
      span,
      attributes: new Map(attributes),
      relations: new Map(),
      ...path,
    })
  }
  const nobody = { kind: 'entity', types: [...entities.keys()].sort() } as const
  return {
    units: [unit],
    spaces: new Map(),
    entities,
    entitiesByWire: entities,
    actions: new Map(),
    actionLists: new Map(),
    advice: new Map(),
    externs: new Map(),
    standard: { context: { kind: 'record', fields: {} }, everyEntity: nobody, everySubject: nobody },
  }
}

import type { Expr } from './nodes.ts'
import { mapChildren, mayBeAbsent } from './walk.ts'

/** Makes names of locals that are unique within one rule. */
export type Fresh = (name: string) => string

/** `optional`: the parameter may be absent, so the body may ask for its presence. */
export type Argument = { readonly name: string; readonly value: Expr; readonly optional: boolean }

/**
 * The body of a `fn` with its arguments in place: literals and variables stand where the parameter stood, anything else is
 * bound by a strict `let`. Arguments of externs never refer to a `let`, so that they can be fetched before evaluation.
 */
export function instantiate(body: Expr, args: readonly Argument[], fresh: Fresh): Expr {
  const direct = new Map<string, Expr>()
  const written = new Map<string, Expr>()
  const bound: Argument[] = []
  for (const { name, value, optional } of args) {
    written.set(name, value)
    if (!optional && (value.kind === 'literal' || value.kind === 'variable')) {
      direct.set(name, value)
      continue
    }
    const local = fresh(name)
    bound.push({ name: local, value, optional })
    direct.set(name, { kind: 'variable', name: local, scope: 'local', type: value.type, span: value.span })
  }
  const inner = replace(body, { locals: direct, written, fresh })
  return bound.reduceRight<Expr>(
    (rest, { name, value }) => ({
      kind: 'let',
      name,
      value,
      body: rest,
      optional: mayBeAbsent(rest),
      type: rest.type,
      span: rest.span,
    }),
    inner,
  )
}

type Replacing = {
  readonly locals: ReadonlyMap<string, Expr>
  readonly written: ReadonlyMap<string, Expr>
  readonly fresh: Fresh
}

function replace(expr: Expr, at: Replacing): Expr {
  switch (expr.kind) {
    case 'variable':
      return expr.scope === 'local' ? replaceVariable(expr, at.locals.get(expr.name)) : expr
    case 'let': {
      const name = at.fresh(baseName(expr.name))
      const value = replace(expr.value, at)
      const variable: Expr = { kind: 'variable', name, scope: 'local', type: expr.value.type, span: expr.span }
      const inside = {
        ...at,
        locals: new Map(at.locals).set(expr.name, variable),
        written: new Map(at.written).set(expr.name, replaceWritten(expr.value, at)),
      }
      return { ...expr, name, value, body: replace(expr.body, inside) }
    }
    case 'quantifier': {
      const variable = at.fresh(baseName(expr.variable))
      const type = expr.over.type.kind === 'set' ? expr.over.type.of : expr.over.type
      const local: Expr = { kind: 'variable', name: variable, scope: 'local', type, span: expr.span }
      const inside = {
        ...at,
        locals: new Map(at.locals).set(expr.variable, local),
        written: new Map(at.written).set(expr.variable, local),
      }
      return { ...expr, variable, over: replace(expr.over, at), body: replace(expr.body, inside) }
    }
    case 'extern':
      return { ...expr, args: expr.args.map((arg) => replaceWritten(arg, at)) }
    default:
      return mapChildren(expr, (child) => replace(child, at))
  }
}

/** What the body knew about this occurrence stays known: present under a guard, a narrower type under `is`. */
function replaceVariable(occurrence: Expr & { kind: 'variable' }, by: Expr | undefined): Expr {
  if (!by) return occurrence
  const type = occurrence.type.kind === 'entity' && by.type.kind === 'entity' ? occurrence.type : by.type
  if (by.kind === 'variable') {
    const { optional: _, ...plain } = by
    return occurrence.optional ? { ...plain, type, optional: true } : { ...plain, type }
  }
  if (by.kind !== 'attribute' || occurrence.optional) return by
  return { ...by, type, optional: false, safe: false }
}

const replaceWritten = (expr: Expr, at: Replacing): Expr => replace(expr, { ...at, locals: at.written })

const baseName = (name: string): string => name.split('$')[0] ?? name

import type { Expr } from '../ir/nodes.ts'
import type { FnInfo, Param } from '../resolve/environment.ts'
import { createReporter } from '../resolve/reporter.ts'
import { fieldsOf, typeOfNode } from '../resolve/type-of-node.ts'
import { limits } from '../source/limits.ts'
import type { Span } from '../source/span.ts'
import { type At, innerSession, leanOn, newTally, type Session } from './at.ts'
import { isFreeName } from './names.ts'
import { checkAs } from './values.ts'

/**
 * Checks a `fn` once and answers its parameters; its body stands in `info.body`. Functions see their parameters, constants
 * and the standard context, and do not recurse (SPEC 1, 3).
 */
export function functionBody(info: FnInfo, from: Span, session: Session): readonly Param[] | undefined {
  if (info.state === 'open') {
    session.reporter.report('F2015', from, `the function "${info.item.name.text}" calls itself`, {
      notes: [{ message: 'declared here', span: info.item.name.span }],
      help: 'functions do not recurse; use a relation for what is nested',
    })
    return undefined
  }
  if (info.state === 'new') {
    info.state = 'open'
    // A rollback around the call must not forget what is wrong here.
    const own = createReporter()
    const inner = innerSession(session, own)
    if (inner.nesting.now <= limits.declarationDepth) checkFunction(info, inner)
    info.depth = inner.nesting.deepest + 1
    if (inner.nesting.now > limits.declarationDepth || info.depth > limits.declarationDepth) {
      own.report('F8103', info.item.name.span, `functions call each other more than ${limits.declarationDepth} deep`)
      delete info.body
    }
    session.reporter.keep(own.diagnostics())
    info.state = 'done'
  }
  leanOn(session, info.depth ?? 0)
  return info.body ? info.params : undefined
}

function checkFunction(info: FnInfo, session: Session): void {
  const { environment, reporter } = session
  const resolving = { environment, unit: info.unit, reporter }
  const params = [...fieldsOf(info.item.params, 'none', resolving)].map(([name, field]) => ({ name, field }))
  const returns = typeOfNode(info.item.returns, resolving)
  if (!returns || params.length < info.item.params.length) return
  const base: At = {
    session,
    unit: info.unit,
    place: 'fn',
    locals: new Map(),
    context: environment.standard.context,
    known: undefined,
    tally: newTally(),
  }
  // Every clash is told, so no short cut.
  const free = info.item.params.filter((param) => !isFreeName(param.name, base))
  const locals = new Map<string, Expr>()
  for (const [index, { name, field }] of params.entries()) {
    const span = info.item.params[index]?.span ?? info.item.span
    const optional = field.optional ? { optional: true } : {}
    locals.set(name, { kind: 'variable', name, scope: 'local', type: field.type, span, ...optional })
  }
  info.params = params
  info.returns = returns
  const body = checkAs(info.item.body, returns, { ...base, locals })
  if (body && free.length === 0) info.body = body
}

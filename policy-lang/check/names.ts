import type * as ast from '../ast/nodes.ts'
import type { Expr } from '../ir/nodes.ts'
import type { ConstInfo, FnInfo, Unit } from '../resolve/environment.ts'
import type { Span } from '../source/span.ts'
import type { At } from './at.ts'
import { constantOf } from './constants.ts'
import { narrowedTo } from './members.ts'

export const visibleConst = (name: string, unit: Unit): ConstInfo | undefined =>
  unit.space.consts.get(name) ?? unit.imports.get(name)?.consts.get(name)

export const visibleFn = (name: string, unit: Unit): FnInfo | undefined =>
  unit.space.fns.get(name) ?? unit.imports.get(name)?.fns.get(name)

/** A name on its own: a local, something of the request, or a constant. */
export function checkName(node: ast.Expr & { kind: 'name' }, at: At): Expr | undefined {
  const text = node.name.text
  const local = at.locals.get(text)
  if (local) return narrowedTo({ ...local, span: node.span }, at)
  if (isRequestName(text)) return requestName(text, node.span, at)
  const constant = visibleConst(text, at.unit)
  if (constant) {
    const value = constantOf(constant, at.session)
    return value && { ...value, span: node.span }
  }
  unknownName(node.name, at)
  return undefined
}

const requestNames = ['subject', 'resource', 'context', 'action'] as const
type RequestName = (typeof requestNames)[number]
const isRequestName = (text: string): text is RequestName => requestNames.some((name) => name === text)

function requestName(name: RequestName, span: Span, at: At): Expr | undefined {
  const { reporter } = at.session
  if (name === 'context' && at.context) return { kind: 'variable', name, scope: 'request', type: at.context, span }
  if (name === 'action' && at.request) {
    reporter.report('F2003', span, '`action` has only a name', { help: 'write `action.name`' })
    return undefined
  }
  if (at.request && (name === 'subject' || name === 'resource')) {
    const types = at.request[name]
    return narrowedTo({ kind: 'variable', name, scope: 'request', type: { kind: 'entity', types }, span }, at)
  }
  const where =
    at.place === 'fn'
      ? 'a function'
      : at.place === 'const'
        ? 'a constant'
        : at.place === 'test'
          ? 'a test'
          : 'this expression'
  reporter.report('F3012', span, `\`${name}\` means nothing in ${where}`, {
    help: at.place === 'fn' ? 'pass it as an argument' : undefined,
  })
  return undefined
}

function unknownName(name: ast.Name, at: At): void {
  const { reporter } = at.session
  if (visibleFn(name.text, at.unit) || at.session.environment.externs.has(name.text)) {
    reporter.report('F3008', name.span, `"${name.text}" is a function`, { help: `write \`${name.text}(…)\`` })
    return
  }
  const known = [...at.locals.keys(), ...at.unit.space.consts.keys(), ...at.unit.imports.keys()]
  if (at.request) known.push('subject', 'resource')
  if (at.context) known.push('context')
  reporter.unknown('F2002', name, `unknown name "${name.text}"`, known)
}

/** No shadowing (SPEC 6): a local may not take a name that already means something here. */
export function isFreeName(name: ast.Name, at: At): boolean {
  const text = name.text
  const taken = at.locals.has(text) || isRequestName(text) || visibleConst(text, at.unit) || visibleFn(text, at.unit)
  if (!taken) return true
  at.session.reporter.report('F2012', name.span, `the local name "${text}" would hide another`, {
    help: 'choose another name',
  })
  return false
}

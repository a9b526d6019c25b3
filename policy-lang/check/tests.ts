import type * as ast from '../ast/nodes.ts'
import type { Expr, Value } from '../ir/nodes.ts'
import type { EntityData, Expectation, TestCase, Tuple } from '../ir/program.ts'
import type { EntityInfo, Unit } from '../resolve/environment.ts'
import { checkMarks } from '../resolve/marks.ts'
import { type At, newTally, type Session } from './at.ts'
import { checkExpectation, checkListExpectation, type RuleIds } from './expectations.ts'
import { checkRelationFact } from './facts.ts'
import { literal } from './literals.ts'
import { isFreeName } from './names.ts'
import { testValue } from './test-values.ts'

/** 2026-01-01T00:00:00Z: `now` of a test without `at` (SPEC 9). */
const defaultNow = 1_767_225_600_000

/** A test, whole or not at all. Rule ids are checked against the set: an expectation of a rule that is gone is a mistake. */
export function checkTest(item: ast.TestItem, unit: Unit, session: Session, rules: RuleIds): TestCase | undefined {
  checkMarks(item.marks, 'none', session.reporter)
  const bare: At = { session, unit, place: 'test', locals: new Map(), known: undefined, tally: newTally() }
  const lets = item.steps.filter((step) => step.kind === 'let')
  const named = declareLets(lets, bare)
  const at: At = { ...bare, locals: named.locals }
  const externs = new Map<string, { readonly value: Value } | 'fails'>()
  const entities: EntityData[] = []
  const tuples: Tuple[] = []
  const expectations: Expectation[] = []
  const before = session.reporter.mark()
  for (const step of item.steps) {
    if (step.kind === 'let') {
      const info = named.infos.get(step)
      if (info) entities.push(entityData(step, info, at))
    } else if (step.kind === 'relationFact') tuples.push(...checkRelationFact(step, at))
    else if (step.kind === 'externFact') checkExternFact(step, at, externs)
    else {
      const checked = step.kind === 'expect' ? checkExpectation(step, at, rules) : checkListExpectation(step, at)
      if (checked) expectations.push(checked)
    }
  }
  const now = nowOf(item, session)
  if (session.reporter.mark() > before || now === undefined) return undefined
  return { title: item.title.value, span: item.span, now, entities, tuples, externs, expectations }
}

/** Ids of rules that the expectations of a test name. */
export const idsNamedIn = (item: ast.TestItem): readonly string[] =>
  item.steps.flatMap((step) =>
    step.kind === 'expect' ? [...(step.from ?? []), ...(step.failing ?? [])].map(({ value }) => value) : [],
  )

function nowOf(item: ast.TestItem, session: Session): number | undefined {
  if (!item.at) return defaultNow
  if (item.at.kind === 'time') return item.at.milliseconds
  session.reporter.report('F3001', item.at.span, '`at` takes a time')
  return undefined
}

type LetStep = ast.TestStep & { readonly kind: 'let' }
type Named = { readonly locals: Map<string, Expr>; readonly infos: Map<LetStep, EntityInfo> }

/** Names first: facts and attributes may mention entities that stand further down. */
function declareLets(lets: readonly LetStep[], at: At): Named {
  const { environment, reporter } = at.session
  const locals = new Map<string, Expr>()
  const infos = new Map<LetStep, EntityInfo>()
  const uids = new Set<string>()
  for (const step of lets) {
    const info = environment.entities.get(step.type.text)
    if (!info) {
      reporter.unknown('F2001', step.type, `unknown type "${step.type.text}"`, environment.entities.keys())
      continue
    }
    if (!isFreeName(step.name, { ...at, locals })) continue
    const id = step.id?.value ?? step.name.text
    const uid = `${info.wire}\u0000${id}`
    if (uids.has(uid)) reporter.report('F6002', step.span, `${info.name}::"${id}" stands twice in this test`)
    uids.add(uid)
    infos.set(step, info)
    const type = { kind: 'entity', types: [info.wire] } as const
    locals.set(step.name.text, literal({ kind: 'entity', type: info.wire, id }, type, step.name.span))
  }
  return { locals, infos }
}

function entityData(step: LetStep, info: EntityInfo, at: At): EntityData {
  const attributes = new Map<string, Value>()
  for (const { name, value } of step.attributes) {
    const attribute = info.attributes.get(name.text)
    if (!attribute) {
      at.session.reporter.unknown(
        'F2003',
        name,
        `unknown attribute "${name.text}" on ${info.name}`,
        info.attributes.keys(),
      )
      continue
    }
    if (attributes.has(attribute.name)) at.session.reporter.report('F2010', name.span, `"${name.text}" stands twice`)
    const found = testValue(value, attribute.type, at)
    if (found !== undefined) attributes.set(attribute.name, found)
  }
  const id = step.id?.value ?? step.name.text
  return { uid: { kind: 'entity', type: info.wire, id }, attributes, span: step.span }
}

function checkExternFact(
  step: ast.TestStep & { kind: 'externFact' },
  at: At,
  into: Map<string, { readonly value: Value } | 'fails'>,
): void {
  const { environment, reporter } = at.session
  const info = environment.externs.get(step.name.text)
  if (!info) {
    reporter.unknown('F2006', step.name, `unknown extern "${step.name.text}"`, environment.externs.keys())
    return
  }
  if (into.has(info.name)) reporter.report('F6002', step.span, `"${info.name}" has two facts in this test`)
  if (step.value === 'fails') {
    into.set(info.name, 'fails')
    return
  }
  const value = info.returns && testValue(step.value, info.returns, at)
  if (value !== undefined) into.set(info.name, { value })
}

import { unreachable } from '../source/invariant.ts'
import { commaFill, fill, indent, type Layout, line, plain } from './layout.ts'
import { brackets, expressionLayout, literalText, pathText, recordLayout, type Written } from './layout-expression.ts'
import type { Expr, FactSubject, Name, TestStep } from './nodes.ts'

/** One step of a test: clauses stand on its line where they fit. */
export function stepLayout(step: TestStep, written: Written): Layout {
  switch (step.kind) {
    case 'let': {
      const id = step.id ? `::${literalText(step.id, written)}` : ''
      return plain(`let ${step.name.text} = ${step.type.text}${id} `, recordLayout(step.attributes, written))
    }
    case 'relationFact': {
      const head = plain('fact ', factSubjectLayout(step.subject, written), ' is ', names(step.relations), ' of ')
      const clauses: Layout[] = []
      if (step.until) clauses.push(plain('until ', expressionLayout(step.until, written)))
      if (step.context) clauses.push(plain('if ', recordLayout(step.context, written)))
      return withClauses(plain(head, expressionLayout(step.of, written)), clauses)
    }
    case 'externFact':
      if (step.value === 'fails') return `fact ${step.name.text} fails`
      return plain(`fact ${step.name.text} = `, expressionLayout(step.value, written))
    case 'expect':
      return expectLayout(step, written)
    case 'expectList': {
      const head = `expect list ${step.action.text} on ${step.type.text} by `
      const clauses: Layout[] = step.with ? [plain('with ', recordLayout(step.with, written))] : []
      const members = step.is.map((member) => expressionLayout(member, written))
      clauses.push(plain('is ', brackets('[', members, ']')))
      return withClauses(plain(head, subjectLayout(step.subject, written)), clauses)
    }
    default:
      return unreachable(step)
  }
}

function expectLayout(step: Extract<TestStep, { kind: 'expect' }>, written: Written): Layout {
  const clauses: Layout[] = []
  const strings = (list: readonly Parameters<typeof literalText>[0][]) =>
    commaFill(list.map((one) => literalText(one, written)))
  if (step.with) clauses.push(plain('with ', recordLayout(step.with, written)))
  if (step.from) clauses.push(plain('from ', indent(strings(step.from))))
  if (step.fields) clauses.push(plain('fields ', indent(commaFill(step.fields.map(pathText)))))
  if (step.advises) clauses.push(plain('advises ', names(step.advises)))
  if (step.failing) clauses.push(plain('failing ', indent(strings(step.failing))))
  const resource = expressionLayout(step.resource, written)
  const head = plain(`expect ${step.decision} `, names(step.actions), ' on ', resource, ' by ')
  return withClauses(plain(head, subjectLayout(step.subject, written)), clauses)
}

const withClauses = (head: Layout, clauses: readonly Layout[]): Layout =>
  fill(head, indent(fill(...clauses.flatMap((clause) => [line, clause]))))

const names = (list: readonly Name[]): Layout => indent(commaFill(list.map((name) => name.text)))

const subjectLayout = (subject: Expr | 'anonymous', written: Written) =>
  subject === 'anonymous' ? subject : expressionLayout(subject, written)

function factSubjectLayout(subject: FactSubject, written: Written): Layout {
  if (subject.kind === 'anyone') return 'anyone'
  if (subject.kind === 'anyOf') return `any ${subject.type.text}`
  return expressionLayout(subject.value, written)
}

import { unreachable } from '../source/invariant.ts'
import type { Span } from '../source/span.ts'
import { commaFill, fill, group, indent, type Layout, line, plain } from './layout.ts'
import {
  braces,
  brackets,
  expressionLayout,
  fieldLayout,
  joined,
  literalText,
  namedLayout,
  pathText,
  typeLayout,
  type Written,
} from './layout-expression.ts'
import { membersOf } from './layout-member.ts'
import { stepLayout } from './layout-step.ts'
import type {
  ActionItem,
  ActionsRef,
  ExternItem,
  Item,
  LinkNode,
  Name,
  ResourcePattern,
  RuleItem,
  SubjectPart,
} from './nodes.ts'

/** A piece of an item that begins on a line of its own; comments are kept with the unit that they stand at. */
export type Unit = {
  readonly span: Span
  readonly layout: Layout
  /** 0 for the item's first line, 2 for its clauses and members. */
  readonly margin: number
  readonly doc?: string
  /** Blank lines of the author are kept above it. */
  readonly spaced: boolean
}
/** The pieces of an item in canonical order, without its marks; `closer` ends a body. */
export type Pieces = { readonly units: readonly Unit[]; readonly closer?: '}' }

export function piecesOf(item: Item, written: Written): Pieces {
  const show = (layout: Layout): Pieces => ({ units: [first(item.span, layout)] })
  switch (item.kind) {
    case 'module':
      return show(`module ${item.name.text}`)
    case 'import':
      return show(plain('import ', indent(commaFill(texts(item.names))), ` from ${literalText(item.from, written)}`))
    case 'type':
      return show(plain(`type ${item.name.text} = `, typeLayout(item.type, written)))
    case 'const':
      return show(plain(`const ${item.name.text} = `, expressionLayout(item.value, written)))
    case 'action':
      return show(actionLayout(item, written))
    case 'actions':
      return show(
        plain(
          `actions ${item.name.text} = `,
          indent(commaFill(texts(item.members))),
          ' on ',
          joined(texts(item.on), '|'),
        ),
      )
    case 'fn': {
      const head = plain(
        `fn ${item.name.text}`,
        parameters(item.params, written),
        ': ',
        typeLayout(item.returns, written),
      )
      return show(plain(head, ' =', group(indent(line, expressionLayout(item.body, written)))))
    }
    case 'extern':
      return show(externLayout(item, written))
    case 'advice':
      return show(plain(`advice ${item.name.text}`, parameters(item.params, written)))
    case 'disable':
      return show(`disable ${literalText(item.rule, written)}`)
    case 'rule':
    case 'delegate':
      return rulePieces(item, written)
    case 'prove':
      return provePieces(item, written)
    case 'entity': {
      const links = item.links.map(linkText)
      const head = `${item.extend ? 'extend ' : ''}entity ${item.name.text}`
      const opening = plain(head, links.length > 0 ? plain(' in ', indent(commaFill(links))) : '')
      return bodyPieces(item.span, opening, membersOf(item, written))
    }
    case 'test': {
      const at = item.at ? ` at ${literalText(item.at, written)}` : ''
      const steps = item.steps.map((step) => inner(step.span, stepLayout(step, written), true))
      return bodyPieces(item.span, `test ${literalText(item.title, written)}${at}`, steps)
    }
    default:
      return unreachable(item)
  }
}

const first = (span: Span, layout: Layout): Unit => ({ span, layout, margin: 0, spaced: false })
const inner = (span: Span, layout: Layout, spaced: boolean): Unit => ({ span, layout, margin: 2, spaced })
const texts = (names: readonly Name[]) => names.map((name) => name.text)

/** The head takes comments on its own line only: the rest stand above what follows in the body. */
function bodyPieces(span: Span, head: Layout, units: readonly Unit[]): Pieces {
  const opening = first({ ...span, end: span.start }, plain(head, ' {'))
  return { units: [opening, ...units], closer: '}' }
}

function parameters(params: ActionItem['with'] & object, written: Written): Layout {
  return brackets(
    '(',
    params.map((param) => fieldLayout(param, written)),
    ')',
  )
}

function actionLayout(item: ActionItem, written: Written): Layout {
  const clauses: Layout[] = []
  if (item.by) {
    const subjects = item.by.map((one) => (one.kind === 'anyone' ? 'anyone' : one.name.text))
    clauses.push(plain('by ', joined(subjects, '|')))
  }
  if (item.via) clauses.push(plain('via ', joined(texts(item.via), '|')))
  if (item.with) clauses.push(plain('with ', braces(item.with.map((field) => fieldLayout(field, written)))))
  if (item.scope) clauses.push(`scope ${literalText(item.scope, written)}`)
  if (item.implies) clauses.push(plain('implies ', indent(commaFill(texts(item.implies)))))
  const head = plain(item.extend ? 'extend action ' : 'action ', indent(commaFill(texts(item.names))))
  return group(head, ' on ', joined(texts(item.on), '|'), indent(...clauses.flatMap((clause) => [line, clause])))
}

function externLayout(item: ExternItem, written: Written): Layout {
  const clauses: Layout[] = []
  if (item.within) clauses.push(`within ${literalText(item.within, written)}`)
  if (item.otherwise === 'fail') clauses.push('else fail')
  else if (item.otherwise) clauses.push(plain('else ', expressionLayout(item.otherwise, written)))
  const head = plain(`extern fn ${item.name.text}`, parameters(item.params, written))
  return group(head, ': ', typeLayout(item.returns, written), indent(...clauses.flatMap((clause) => [line, clause])))
}

function rulePieces(item: Extract<Item, { kind: 'rule' | 'delegate' }>, written: Written): Pieces {
  const words = item.kind === 'delegate' ? 'delegate ' : `${item.sealed ? 'sealed ' : ''}${item.effect} `
  const clauses: Unit[] = [
    ...item.when.map((one) => inner(one.span, plain('when ', expressionLayout(one, written)), false)),
    ...item.unless.map((one) => inner(one.span, plain('unless ', expressionLayout(one, written)), false)),
  ]
  if (item.kind === 'rule') {
    const { fields, because, advise } = item
    if (fields) clauses.push(inner(fields.span, fieldsLayout(fields), false))
    if (because) clauses.push(inner(because.span, `because ${literalText(because, written)}`, false))
    for (const one of advise) {
      const args = one.args.map((argument) => namedLayout(argument, written))
      clauses.push(inner(one.span, plain(`advise ${one.name.text}`, brackets('(', args, ')')), false))
    }
  }
  const head = first({ ...item.span, end: item.subject.span.end }, plain(words, targetLayout(item, written)))
  return { units: [head, ...clauses] }
}

function provePieces(item: Extract<Item, { kind: 'prove' }>, written: Written): Pieces {
  const clauses: Layout[] = [
    ...item.when.map((one) => plain('when ', expressionLayout(one, written))),
    ...item.unless.map((one) => plain('unless ', expressionLayout(one, written))),
    ...(item.fields ? [fieldsLayout(item.fields)] : []),
  ]
  const claim = plain(`${item.mode} allow `, targetLayout(item, written))
  const body = fill(claim, indent(fill(...clauses.flatMap((clause) => [line, clause]))))
  const title = first({ ...item.span, end: item.title.span.end }, `prove ${literalText(item.title, written)}:`)
  return { units: [title, inner({ ...item.span, start: item.actions.span.start }, body, false)] }
}

/** `read, edit on doc: Document to owner of doc` */
function targetLayout(
  item: { readonly actions: ActionsRef; readonly resource?: ResourcePattern; readonly subject: RuleItem['subject'] },
  written: Written,
): Layout {
  const actions = item.actions.kind === 'anyAction' ? 'any' : indent(commaFill(texts(item.actions.names)))
  const resource = item.resource
    ? indent(line, 'on ', binderText(item.resource.binder), joined(texts(item.resource.types), '|'))
    : ''
  const parts = item.subject.parts.map((part) => subjectLayout(part, written))
  return group(actions, resource, indent(line, 'to ', joined(parts, 'or')))
}

function subjectLayout(part: SubjectPart, written: Written): Layout {
  if (part.kind === 'anyonePart') return `${binderText(part.binder)}anyone`
  if (part.kind === 'typePart') return plain(binderText(part.binder), joined(texts(part.types), '|'))
  return plain(commaFill(texts(part.relations)), ' of ', expressionLayout(part.of, written))
}

const binderText = (binder: Name | undefined) => (binder ? `${binder.text}: ` : '')

function fieldsLayout(fields: RuleItem['fields'] & object): Layout {
  if (fields.mode === 'all') return 'fields all'
  const paths = indent(commaFill(fields.paths.map(pathText)))
  return plain(fields.mode === 'except' ? 'fields all except ' : 'fields ', paths)
}

function linkText(link: LinkNode): string {
  const target = link.target.text
  const many = { one: target, optional: `${target}?`, set: `Set<${target}>` }
  return `${link.name ? `${link.name.text}: ` : ''}${many[link.many]}`
}

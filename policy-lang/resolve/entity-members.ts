import type * as ast from '../ast/nodes.ts'
import type { Type } from '../ir/types.ts'
import type { AttributeInfo, EntityInfo, Environment, Unit } from './environment.ts'
import { checkMarks, fieldMarks, wireName } from './marks.ts'
import type { Reporter } from './reporter.ts'
import { checkSpelling } from './spelling.ts'
import { typeOfNode } from './type-of-node.ts'

/** Links, attributes and relations of every entity type, extensions included. */
export function resolveMembers(environment: Environment, reporter: Reporter): void {
  for (const unit of environment.units)
    for (const item of unit.declarations) {
      if (item.kind !== 'entity') continue
      const info = environment.entities.get(item.name.text)
      if (!info) {
        if (item.extend)
          reporter.unknown('F2001', item.name, `unknown type "${item.name.text}"`, environment.entities.keys())
        continue
      }
      // A second declaration of the type is already reported.
      if (!item.extend && info.span !== item.name.span) continue
      if (item.extend) checkMarks(item.marks, 'none', reporter)
      addMembers(item, { info, unit, environment, reporter })
    }
}

type Adding = {
  readonly info: EntityInfo
  readonly unit: Unit
  readonly environment: Environment
  readonly reporter: Reporter
}

function addMembers(item: ast.EntityItem, into: Adding): void {
  const wires = new Set<string>([
    ...[...into.info.attributes.values()].map((known) => known.name),
    ...[...into.info.relations.values()].map((known) => known.wire),
  ])
  for (const link of item.links) {
    if (item.extend) {
      into.reporter.report('F5005', link.span, `an extension cannot add a parent link to ${item.name.text}`)
      continue
    }
    addLink(link, into, wires)
  }
  for (const member of item.members) {
    if (!isFree(member.name, into)) continue
    const wire = wireName(member.name, member.marks)
    if (wires.has(wire)) {
      into.reporter.report('F2010', member.name.span, `the wire name "${wire}" is taken on ${into.info.name}`)
      continue
    }
    wires.add(wire)
    if (member.kind === 'attribute') addAttribute(member, item.extend, into)
    else addRelation(member, into)
  }
}

function addLink(link: ast.LinkNode, into: Adding, wires: Set<string>): void {
  const target = into.environment.entities.get(link.target.text)
  if (!target) {
    into.reporter.unknown('F2001', link.target, `unknown type "${link.target.text}"`, into.environment.entities.keys())
    return
  }
  const source = link.name?.text ?? link.target.text.charAt(0).toLowerCase() + link.target.text.slice(1)
  const name = link.name ?? { text: source, span: link.target.span }
  if (!isFree(name, into)) return
  const one: Type = { kind: 'entity', types: [target.wire] }
  wires.add(source)
  into.info.attributes.set(source, {
    name: source,
    source,
    type: link.many === 'set' ? { kind: 'set', of: one } : one,
    // A tree has a root: a link to the type itself is optional anyway (SPEC 3.1).
    optional: link.many === 'optional' || target === into.info,
    link: true,
    span: link.span,
  })
}

function addAttribute(member: ast.AttributeNode, extend: boolean, into: Adding): void {
  checkMarks(member.marks, 'attribute', into.reporter)
  if (!member.marks.some((mark) => mark.name.text === 'wire')) checkSpelling(member.name, into.reporter)
  if (extend && !member.optional)
    into.reporter.report(
      'F5005',
      member.name.span,
      `an extension can add only optional attributes, and "${member.name.text}" is required`,
      { help: `write \`${member.name.text}?:\`` },
    )
  const type = typeOfNode(member.type, into)
  if (!type) return
  const marks = fieldMarks(member.marks)
  const info: AttributeInfo = {
    name: wireName(member.name, member.marks),
    source: member.name.text,
    type,
    optional: member.optional,
    link: false,
    span: member.span,
    ...(marks ? { marks } : {}),
  }
  into.info.attributes.set(member.name.text, info)
}

function addRelation(member: ast.StoredRelationNode | ast.ComputedRelationNode, into: Adding): void {
  checkMarks(member.marks, 'relation', into.reporter)
  if (!member.marks.some((mark) => mark.name.text === 'wire')) checkSpelling(member.name, into.reporter)
  into.info.relations.set(member.name.text, {
    source: member.name.text,
    wire: wireName(member.name, member.marks),
    span: member.name.span,
    owner: into.info,
    unit: into.unit,
    node: member,
  })
}

function isFree(name: ast.Name, { info, reporter }: Adding): boolean {
  const first = info.attributes.get(name.text)?.span ?? info.relations.get(name.text)?.span
  if (!first) return true
  reporter.report('F2010', name.span, `"${name.text}" is declared twice on ${info.name}`, {
    notes: [{ message: 'first declared here', span: first }],
  })
  return false
}

import { isNode, LineCounter, parseAllDocuments, type Document as YamlDocument } from 'yaml'
import type { z } from 'zod'
import { suggest } from '../../cli/suggest.ts'
import { limits } from '../limits.ts'
import { type Document, type DocumentProblem, documentShape, kindNames } from './document.ts'
import { specs } from './specs.ts'

/** A document with its text: where each member stands. */
export type ParsedDocument = {
  readonly document: Document
  readonly lineOf: (pointer: string) => number
  readonly file: string
}
export type ParsedDocuments = {
  readonly parsed: readonly ParsedDocument[]
  readonly problems: readonly DocumentProblem[]
}

/** YAML or JSON text of several documents; every mistake of form at once, each with its line. Empty documents are none. */
export function parseDocuments(text: string, file: string): ParsedDocuments {
  const lineCounter = new LineCounter()
  const found = parseAllDocuments(text, { lineCounter, uniqueKeys: true, version: '1.2' })
  const parsed: ParsedDocument[] = []
  const problems: DocumentProblem[] = []
  // An empty stream answers an object that is no list of documents.
  for (const [index, yaml] of (Array.isArray(found) ? found : []).entries()) {
    if (index >= limits.documents) {
      problems.push({
        document: index,
        pointer: '',
        code: 'too_many_documents',
        message: `At most ${limits.documents} documents.`,
        file,
      })
      break
    }
    const lineOf = (pointer: string) => lineAt(yaml, lineCounter, pointer)
    for (const { message, pos } of yaml.errors) {
      const [headline = ''] = message.split('\n')
      problems.push({
        document: index,
        pointer: '',
        code: 'malformed_yaml',
        message: headline,
        file,
        line: lineCounter.linePos(pos[0]).line,
      })
    }
    if (yaml.errors.length > 0 || yaml.contents === null) continue
    const value = expand(yaml)
    if (value === undefined) {
      const message = 'It repeats its parts too often.'
      problems.push({ document: index, pointer: '', code: 'malformed_yaml', message, file, line: lineOf('') })
      continue
    }
    const read = readEnvelope(value, index)
    if ('document' in read) parsed.push({ document: read.document, lineOf, file })
    else problems.push(...read.problems.map((problem) => ({ ...problem, file, line: lineOf(problem.pointer) })))
  }
  return { parsed, problems }
}

/** Undefined: its aliases multiply beyond all need (YAML 1.2 §7.1), or one stands inside of itself. */
function expand(yaml: YamlDocument): unknown {
  try {
    return yaml.toJS({ maxAliasCount: 100 })
  } catch (error) {
    if (error instanceof ReferenceError) return undefined
    throw error
  }
}

/** The form of one document that came as JSON, its spec excepted. */
export function readEnvelope(
  value: unknown,
  index: number,
): { readonly document: Document } | { readonly problems: DocumentProblem[] } {
  const envelope = documentShape.safeParse(value)
  if (envelope.success) return { document: envelope.data }
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? String(value.kind) : ''
  const nearest = suggest(kind, kindNames)
  return {
    problems: problemsOf(envelope.error, index).map((problem) =>
      problem.pointer === '/kind'
        ? {
            ...problem,
            code: 'unknown_kind',
            message: `There is no kind "${kind}"${nearest ? `; did you mean ${nearest}?` : `: ${kindNames.join(', ')}`}.`,
          }
        : problem,
    ),
  }
}

/** What is wrong with the spec itself: unknown members, wrong values. */
export function checkSpec({ kind, name, spec }: Document, index: number): DocumentProblem[] {
  const checked = specs[kind].safeParse(spec)
  if (checked.success) return []
  return problemsOf(checked.error, index).map((problem) => ({
    ...problem,
    kind,
    name,
    pointer: `/spec${problem.pointer}`,
  }))
}

function problemsOf(error: z.ZodError, document: number): DocumentProblem[] {
  return error.issues.flatMap((issue) => {
    const pointer = pointerOf(issue.path)
    if (issue.code !== 'unrecognized_keys') return [{ document, pointer, code: issue.code, message: issue.message }]
    return issue.keys.map((key) => ({
      ...{ document, pointer: `${pointer}/${escapePart(key)}`, code: 'unknown_field' },
      message: `There is no member "${key}" here.`,
    }))
  })
}

const escapePart = (part: string): string => part.replaceAll('~', '~0').replaceAll('/', '~1')
const pointerOf = (path: readonly PropertyKey[]): string => path.map((part) => `/${escapePart(String(part))}`).join('')

/** The line of a member, or of the nearest thing around it that stands in the text. */
function lineAt(yaml: YamlDocument, lines: LineCounter, pointer: string): number {
  const path = pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  for (let length = path.length; length >= 0; length -= 1) {
    const keys = path.slice(0, length).map((part) => (/^\d+$/.test(part) ? Number(part) : part))
    const node: unknown = length === 0 ? yaml.contents : yaml.getIn(keys, true)
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  }
  return 1
}

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import type { Document, DocumentProblem } from '../admin/documents/document.ts'
import { checkSpec, type ParsedDocument, parseDocuments } from '../admin/documents/parse-documents.ts'
import { secretMembers } from '../admin/documents/specs.ts'
import type { CommandIo } from './io.ts'
import { UsageMistake } from './usage-mistake.ts'

export type ReadDocuments = {
  readonly documents: readonly Document[]
  readonly problems: readonly DocumentProblem[]
  /** Where a member of a document stands: `state.yaml:12`. */
  readonly placeOf: (document: number, pointer: string) => string
}

/**
 * Reads YAML files and puts in what only this side has: secrets of its environment (`{env: NAME}`) and the files of policy
 * folders. Every mistake is found before anything is sent, each with its line.
 */
export function readDocuments(files: readonly string[], io: Pick<CommandIo, 'folder' | 'environment'>): ReadDocuments {
  const parsed: ParsedDocument[] = []
  const problems: DocumentProblem[] = []
  for (const file of files) {
    const read = parseDocuments(readText(resolve(io.folder, file)), file)
    problems.push(...read.problems)
    parsed.push(...read.parsed)
  }
  const documents = parsed.map((each, index) => {
    const located = (problem: DocumentProblem) =>
      problems.push({ ...problem, file: each.file, line: each.lineOf(problem.pointer) })
    const document = fillIn(each, io, (pointer, message) =>
      located({ document: index, pointer, code: 'unresolved', message }),
    )
    for (const problem of checkSpec(document, index)) located(problem)
    return document
  })
  const placeOf = (document: number, pointer: string) => {
    const each = parsed[document]
    return each ? `${each.file}:${each.lineOf(pointer)}` : 'documents'
  }
  return { documents, problems, placeOf }
}

type Complain = (pointer: string, message: string) => void

function fillIn(parsed: ParsedDocument, io: Pick<CommandIo, 'folder' | 'environment'>, complain: Complain): Document {
  const { document } = parsed
  const spec = { ...document.spec }
  const member = secretMembers[document.kind]
  const secret = member === undefined ? undefined : spec[member]
  if (member !== undefined && typeof secret === 'object' && secret !== null && 'env' in secret) {
    const value = io.environment[String(secret.env)]
    if (value === undefined || value === '')
      complain(`/spec/${member}`, `The environment has no ${String(secret.env)}.`)
    spec[member] = value ?? ''
  }
  if (document.kind === 'PolicySet' && typeof spec.dir === 'string') {
    const folder = resolve(dirname(resolve(io.folder, parsed.file)), spec.dir)
    delete spec.dir
    try {
      spec.files = readPolicyFolder(folder)
    } catch {
      complain('/spec/dir', `The folder cannot be read.`)
      spec.files = {}
    }
  }
  return { ...document, spec }
}

function readPolicyFolder(folder: string): { readonly [path: string]: string } {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.fbac'))
    .map((entry) => join(entry.parentPath, entry.name))
  return Object.fromEntries(
    paths.sort().map((path) => [relative(folder, path).replaceAll('\\', '/'), readFileSync(path, 'utf8')]),
  )
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw new UsageMistake(`${path} cannot be read`)
  }
}

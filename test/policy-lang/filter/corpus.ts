import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  compileProgram,
  createEntityStore,
  type EntityStore,
  type EvaluateOptions,
  type Facts,
  interpret,
  type Json,
  type Program,
  type Request,
  readData,
  readInstant,
  readRequest,
  readTuples,
  readValue,
  runTests,
  supplyProperties,
} from '../../../policy-lang/index.ts'
import { membersOf, readAsked, storeOf, textOf } from '../cases/read-asked.ts'
import { readCases } from '../cases/read-cases.ts'
import { readSets } from '../unseen/read-set.ts'

/** One question that some case of the tree asks, with the world that it is asked in. */
export type CorpusQuestion = {
  readonly facts: Facts
  /** Where the facts are the store's own, and no rows of the request lie over it. */
  readonly store?: EntityStore
  readonly request: Request
  readonly options: EvaluateOptions
}
export type CorpusSet = {
  readonly name: string
  readonly program: Program
  readonly questions: readonly CorpusQuestion[]
}

/** Every policy set of the tree with the questions of its cases and tests. */
export function corpusSets(): readonly CorpusSet[] {
  return [...decidedSets(), ...exampleSets(), ...askedSets(), ...unseenSets()]
}

const decidedSets = (): readonly CorpusSet[] =>
  readCases('decided').map(({ name, files }) => testedSet(`decided/${name}`, compileProgram(files).program))

function exampleSets(): readonly CorpusSet[] {
  const folders = ['../../../../shared/design/examples/', '../../cases/examples/']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .filter((folder) => existsSync(folder))
  const [folder] = folders
  if (!folder) return []
  return readdirSync(folder)
    .filter((name) => name.endsWith('.fbac'))
    .map((name) => {
      const files = [{ path: name, text: readFileSync(`${folder}${name}`, 'utf8') }]
      return testedSet(`examples/${name}`, compileProgram(files).program)
    })
}

/** What its `test` items ask. */
function testedSet(name: string, program: Program | undefined): CorpusSet {
  if (!program) throw new Error(`${name} does not compile`)
  const questions: CorpusQuestion[] = []
  runTests(program, (facts, request, options) => {
    questions.push({ facts, store: facts as EntityStore, request, options })
    return interpret(program, facts, request, options)
  })
  return { name, program, questions }
}

function askedSets(): readonly CorpusSet[] {
  return readAsked().map(({ name, file, compiled: { program } }) => {
    if (!program) throw new Error(`${name} does not compile`)
    const questions = file.cases.flatMap((json) => {
      const entry = membersOf(json)
      const given = { ...membersOf(membersOf(entry).externs) }
      const world = { store: storeOf(program, file).store, externs: given, now: textOf(entry.now ?? file.now) }
      return questionOf(program, world, { request: entry.request ?? null, tuples: entry.tuples ?? [] })
    })
    return { name: `asked/${name}`, program, questions }
  })
}

function unseenSets(): readonly CorpusSet[] {
  return readSets().map(({ name, files, cases }) => {
    const { program } = compileProgram(Object.entries(files).map(([path, text]) => ({ path, text })))
    if (!program) throw new Error(`${name} does not compile`)
    const questions = cases.flatMap(({ now, data, questions: asked }) => {
      const store = createEntityStore(program)
      const { entities, tuples } = readData(program, data)
      for (const entity of entities) store.putEntity(entity)
      for (const tuple of tuples) store.putTuple(tuple)
      const externs = membersOf(membersOf(data).externs)
      return asked.flatMap(({ request }) => {
        const world = { store, externs, now: textOf(membersOf(request).now ?? now) }
        return questionOf(program, world, { request, tuples: [] })
      })
    })
    return { name: `unseen/${name}`, program, questions }
  })
}

function questionOf(
  program: Program,
  world: { readonly store: EntityStore; readonly externs: { readonly [name: string]: Json }; readonly now: string },
  asked: { readonly request: Json; readonly tuples: Json },
): readonly CorpusQuestion[] {
  const { store } = world
  const read = readRequest(program, asked.request)
  if (!read.ok) return []
  const rows = supplyProperties(program, store, read.supplied)
  const { tuples } = readTuples(program, asked.tuples)
  const isPlain = rows.length + tuples.length === 0
  const externs = (name: string) => {
    const declared = program.externs.get(name)
    return declared && readValue(world.externs[name], declared.returns)
  }
  const options = { now: readInstant(world.now) ?? 0, externs }
  return [
    { facts: isPlain ? store : store.overlay(rows, tuples), ...(isPlain && { store }), request: read.request, options },
  ]
}

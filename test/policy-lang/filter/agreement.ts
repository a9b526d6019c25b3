import fc from 'fast-check'
import type { Database } from '../../../adapters/database/port.ts'
import { compileFilter } from '../../../policy-lang/backends/sql/compile-filter.ts'
import { createEntityStore, type EntityStore, interpret, type Program } from '../../../policy-lang/index.ts'
import {
  anyRules,
  anyWorld,
  documents,
  fillStore,
  schemaProgram,
  subjects,
  type World,
  withRules,
} from '../agreement/generated.ts'
import { documentSource, putRows } from './filter-rows.ts'

const now = 1000

type Sample = {
  readonly program: Program
  readonly world: World
  readonly tenantId: string
  readonly store: EntityStore
}

/** Rows that SQL chose, against rows that the interpreter allows; each difference in words that name the seed. */
export async function compareGenerated(
  database: Database,
  size: { readonly seed: number; readonly worlds: number; readonly questions: number },
): Promise<{
  readonly compared: number
  readonly refused: ReadonlyMap<string, number>
  readonly differences: readonly string[]
}> {
  const drawn = fc.sample(fc.tuple(anyRules, anyWorld), { seed: size.seed, numRuns: size.worlds })
  const samples = drawn.map(([rules, world], index): Sample => {
    const store = createEntityStore(schemaProgram)
    fillStore(store, world)
    return { program: withRules(rules), world, tenantId: `w${size.seed}-${index}`, store }
  })
  await putRows(
    database,
    schemaProgram,
    samples.map(({ tenantId, world }) => ({ tenantId, entities: world.entities, tuples: world.tuples })),
  )
  const differences: string[] = []
  let compared = 0
  const refused = new Map<string, number>()
  for (const [index, sample] of samples.entries()) {
    for (let turn = 0; turn < size.questions; turn += 1) {
      const subject = subjects[(index + turn) % subjects.length]
      if (!subject) continue
      const found = await compareOne(database, sample, {
        subject,
        action: (index + turn) % 2 === 0 ? 'read' : 'edit',
        isRemembered: turn % 2 === 1,
        isOfOne: (index + 2 * turn) % 3 === 0,
      })
      if (typeof found === 'object' && 'refused' in found) {
        refused.set(found.refused, (refused.get(found.refused) ?? 0) + 1)
        continue
      }
      compared += 1
      if (typeof found === 'object') differences.push(`seed ${size.seed}, world ${index}, turn ${turn}: ${found.said}`)
    }
  }
  return { compared, refused, differences }
}

async function compareOne(
  database: Database,
  { program, world, tenantId, store }: Sample,
  asked: {
    readonly subject: (typeof subjects)[number]
    readonly action: string
    readonly isRemembered: boolean
    readonly isOfOne: boolean
  },
): Promise<'same' | { readonly refused: string } | { readonly said: string }> {
  const { subject, action } = asked
  const options = { now, externs: () => world.risk }
  const memory = asked.isRemembered ? { memory: { store, isElsewhere: () => false } } : {}
  // A list of one folder knows the folder of every row.
  const folder = asked.isOfOne
    ? documents.map((each) => store.attribute(each, 'folder')).find((each) => each !== undefined)
    : undefined
  const listed = documents.filter(
    (each) => folder === undefined || text(store.attribute(each, 'folder')) === text(folder),
  )
  const known = folder === undefined ? {} : { known: new Map([['folder', folder]]) }
  const question = { subject, action, type: 'Document', context: world.context, ...known }
  const filter = compileFilter(program, store, question, {
    ...options,
    ...memory,
    source: documentSource(program, tenantId),
    firstBinding: 2,
  })
  if (!filter.ok)
    return { refused: filter.diagnostics[0]?.message.replace(/^\S+ cannot become a filter in SQL: /, '') ?? '' }
  const wanted = listed
    .filter(
      (resource) => interpret(program, store, { subject, action, resource, context: world.context }, options).decision,
    )
    .map(({ id }) => id)
  const ids = listed.map(({ id }) => `'${id}'`).join(', ')
  const query = `select t.id from entity t where t.tenant_id = $1 and t.type = 'Document' and t.id in (${ids}) and (${filter.sql}) order by t.id collate "C"`
  try {
    // A filter is asked once: compiling it to machine code costs seconds and gains nothing.
    const rows = await database.transaction(
      () => database.query<{ id: string }>({ name: '', text: query }, [tenantId, ...filter.bindings]),
      { jit: 'off' },
    )
    const got = rows.map(({ id }) => id)
    if (JSON.stringify(got) === JSON.stringify(wanted)) return 'same'
    return { said: `${subject.id} ${action}: SQL ${got}, interpreter ${wanted}; ${filter.sql}` }
  } catch (error) {
    return {
      said: `${subject.id} ${action}: ${String(error instanceof Error ? (error.cause ?? error) : error)}; ${filter.sql}`,
    }
  }
}

const text = (value: unknown): string => JSON.stringify(value)

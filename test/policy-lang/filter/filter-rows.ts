import type { Database } from '../../../adapters/database/port.ts'
import { sqlFunctions } from '../../../policy-lang/backends/sql/functions.ts'
import type { SqlSource, SqlTable } from '../../../policy-lang/backends/sql/sql-source.ts'
import { writeJson, writeValue } from '../../../policy-lang/index.ts'
import type { EntityData, Program, Tuple } from '../../../policy-lang/ir/program.ts'
import { subjectColumns } from '../../../server/relations/tuple-row.ts'

/** Data of one tenant, as the tables hold it. */
export type Rows = {
  readonly tenantId: string
  readonly entities: readonly EntityData[]
  readonly tuples: readonly Tuple[]
}

const statement = (text: string) => ({ name: '', text })

export async function createFunctions(database: Database): Promise<void> {
  for (const each of sqlFunctions) await database.query(statement(each))
}

/** Every type in the tenant's own entity table. */
export const documentSource = (program: Program, tenantId: string): SqlSource => ({
  tenantId,
  types: new Map([...program.entityTypes.keys()].map((type) => [type, entityTable])),
  tuples: { table: 'relation', areRolesClosed: true },
})
const entityTable: SqlTable = {
  table: 'entity',
  idColumn: 'id',
  tenantColumn: 'tenant_id',
  typeColumn: 'type',
  attributes: {},
  document: 'attributes',
}

/** Puts many tenants at once. */
export async function putRows(database: Database, program: Program, all: readonly Rows[]): Promise<void> {
  await database.query(
    statement(
      `insert into tenant (id, name) select x, x from jsonb_array_elements_text($1::jsonb) x on conflict do nothing`,
    ),
    [JSON.stringify(all.map(({ tenantId }) => tenantId))],
  )
  const entities = all.flatMap(({ tenantId, entities: rows }) =>
    rows.map(({ uid, attributes }) => {
      const declared = program.entityTypes.get(uid.type)?.attributes
      const json = [...attributes].map(([name, value]) => [name, writeValue(value, declared?.get(name)?.type)] as const)
      return `{"tenant_id":${JSON.stringify(tenantId)},"type":${JSON.stringify(uid.type)},"id":${JSON.stringify(uid.id)},"attributes":${writeJson(Object.fromEntries(json))}}`
    }),
  )
  await database.query(
    statement(
      `insert into entity (tenant_id, type, id, attributes) select tenant_id, type, id, attributes from jsonb_to_recordset($1::jsonb) as x(tenant_id text, type text, id text, attributes jsonb)`,
    ),
    [`[${entities.join(',')}]`],
  )
  const tuples = all.flatMap(({ tenantId, tuples: rows }) => rows.map((tuple) => tupleJson(program, tenantId, tuple)))
  await database.query(
    statement(
      `insert into relation (tenant_id, resource_type, resource_id, relation, subject_type, subject_id, subject_relation, until, condition_name, condition_context)
select * from jsonb_to_recordset($1::jsonb) as x(tenant_id text, resource_type text, resource_id text, relation text, subject_type text, subject_id text, subject_relation text, until timestamptz, condition_name text, condition_context jsonb) on conflict do nothing`,
    ),
    [`[${tuples.join(',')}]`],
  )
}

function tupleJson(
  program: Program,
  tenantId: string,
  { resource, relation, subject, until, condition }: Tuple,
): string {
  const params = condition && program.tupleConditions.get(condition.name)?.params
  const context = [...(condition?.context ?? [])].flatMap(([name, value]) =>
    // Stored, but of another type: a value that no parameter here has.
    value === undefined
      ? [[name, [[[]]]] as const]
      : [[name, writeValue(value, params?.find((param) => param.name === name)?.field.type)] as const],
  )
  return writeJson({
    tenant_id: tenantId,
    resource_type: resource.type,
    resource_id: resource.id,
    relation,
    ...subjectColumns(subject),
    until: until === undefined ? null : new Date(until).toISOString(),
    condition_name: condition?.name ?? null,
    condition_context: condition ? Object.fromEntries(context) : null,
  })
}

import { z } from 'zod'
import type { JsonValue } from '../decision/decision-point.ts'
import type { Route, RouteTable } from '../http/route.ts'

type Json = { readonly [name: string]: JsonValue }

/** OpenAPI 3.1 of a route table, from the very schemas that validate: the page cannot drift from the server. */
export function openApiOf({ basePath, routes }: RouteTable, issuer: string): Json {
  const paths: { [path: string]: { [method: string]: Json } } = {}
  // The table forgets the types of bodies; a description needs only the schemas.
  for (const row of routes as unknown as readonly Route[]) {
    const path = basePath + row.path.replaceAll(/[:*](\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [row.method.toLowerCase()]: operationOf(row) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Writ administration',
      version: 'v1',
      description: 'Each operation names the action that the policies are asked about.',
    },
    servers: [{ url: issuer }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: `Access token of audience ${issuer}/admin` },
      },
      schemas: { Problem: problem },
    },
  }
}

function operationOf(row: Route): Json {
  const parameters = [...row.path.matchAll(/[:*](\w+)/g)].map(([, name = '']) => ({
    ...{ name, in: 'path', required: true },
    schema: { type: 'string' },
  }))
  return {
    summary: row.summary,
    operationId: operationIdOf(row),
    'x-writ-action': { action: row.action, resourceType: row.resourceType },
    parameters: [...parameters, ...queryParameters(row)],
    ...(row.body
      ? { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(row.body, 'input') } } } }
      : {}),
    responses: {
      [String(row.successStatus ?? 200)]: {
        description: row.responds ? 'The answer' : 'Done',
        ...(row.responds ? { content: { 'application/json': { schema: schemaOf(row.responds, 'output') } } } : {}),
      },
      ...refusalsOf(row),
    },
  }
}

const operationIdOf = ({ method, path }: Route): string =>
  method.toLowerCase() + path.replaceAll(/[^A-Za-z0-9]+(\w?)/g, (_, letter: string) => letter.toUpperCase())

function queryParameters({ query }: Route): Json[] {
  if (!(query instanceof z.ZodObject)) return []
  const { properties = {} } = schemaOf(query, 'input') as { readonly properties?: Json }
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', schema }))
}

/** JSON Schema is JSON; members that it cannot say (a refinement) are left out of the description, not of the validation. */
const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest as Json
}

function refusalsOf({ refuses = [] }: Route): Json {
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
  const codes = refuses.length > 0 ? ` Codes: ${refuses.join(', ')}.` : ''
  return { default: { description: `A refusal (RFC 9457).${codes}`, content } }
}

const problem: Json = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'requestId'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string' },
    requestId: { type: 'string' },
  },
}

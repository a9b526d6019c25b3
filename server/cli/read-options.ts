import { type ParseArgsOptionDescriptor, parseArgs } from 'node:util'
import { suggest } from './suggest.ts'
import { UsageMistake } from './usage-mistake.ts'

type Descriptors = { readonly [name: string]: ParseArgsOptionDescriptor }

/** Flags that every command takes. */
const everywhere = { format: { type: 'string' }, help: { type: 'boolean' } } as const

/**
 * Reads a command's flags; an unknown one or a missing value is a UsageMistake that names the nearest flag.
 * `format` is `text` unless the command takes others.
 */
export function readOptions<const D extends Descriptors>(
  args: readonly string[],
  options: D,
  formats: readonly string[] = ['text', 'json'],
) {
  const known = { ...everywhere, ...options }
  const { values, positionals } = parse(args, known)
  const format = (values as { readonly format?: string }).format ?? formats[0] ?? 'text'
  if (!formats.includes(format)) throw new UsageMistake(`--format is one of ${formats.join(', ')}, not "${format}"`)
  return { values, positionals, format }
}

function parse<D extends Descriptors>(args: readonly string[], options: D) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const unknown = /Unknown option '([^']+)'/.exec(message)?.[1]
    if (unknown === undefined) throw new UsageMistake(message)
    const nearest = suggest(unknown.replace(/^-+/, ''), Object.keys(options))
    throw new UsageMistake(`unknown flag ${unknown}${nearest ? `; did you mean --${nearest}?` : ''}`)
  }
}

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { parseDocument } from 'yaml'
import type { Config } from './config.ts'
import { readMutualTls } from './read-mutual-tls.ts'
import { type SettingKey, settings } from './settings.ts'

/** Every mistake of the configuration at once; the command prints it and exits 2. */
export class ConfigurationError extends Error {
  readonly mistakes: readonly string[]
  constructor(mistakes: readonly string[]) {
    super(
      `the configuration has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:\n${mistakes.map((line) => `  ${line}`).join('\n')}`,
    )
    this.mistakes = mistakes
  }
}

export type ConfigSources = {
  /** Arguments after the command: `--port 4000`, `--config writ.yaml`. */
  readonly args: readonly string[]
  readonly env: { readonly [name: string]: string | undefined }
  /** Relative paths are relative to this. */
  readonly cwd: string
}

/** Flags over environment over file over defaults. Throws ConfigurationError. */
export function readConfig(sources: ConfigSources): Config {
  const mistakes: string[] = []
  const flags = readFlags(sources.args, mistakes)
  const file = flags.config === undefined ? {} : readFile(resolve(sources.cwd, flags.config), mistakes)
  const values: { [K in SettingKey]?: unknown } = {}
  for (const { key, env, flag, form } of settings) {
    const named = firstOf(
      [`--${flag}`, flags[flag]],
      [env, sources.env[env] || undefined],
      [`"${key}" of the file`, file[key]],
    )
    if (!named) continue
    const parsed = form.safeParse(named[1])
    if (parsed.success) values[key] = parsed.data
    // The value itself is not repeated: it may be a secret.
    else mistakes.push(`${named[0]} ${reason(parsed.error.issues[0])}`)
  }
  const config = withDefaults(values, sources.cwd)
  const { mistakes: tlsMistakes, ...mutualTls } = readMutualTls(values, sources.cwd, config)
  mistakes.push(...tlsMistakes)
  if (config.profile === 'production') mistakes.push(...productionRefusals(config, values))
  if (mistakes.length > 0) throw new ConfigurationError(mistakes)
  return { ...config, ...mutualTls }
}

type Values = { readonly [K in SettingKey]?: unknown }

function withDefaults(values: Values, cwd: string): Config {
  // Each value has passed the form of its row; the casts below only repeat what the table says.
  const given = values as Partial<Omit<Config, 'dataFolder'>> & { readonly data?: string }
  const { data, databaseUrl, databaseMigrationUrl, secretKey, smtpUrl, setupFile } = given
  const profile = given.profile ?? 'development'
  const port = given.port ?? 3000
  return {
    profile,
    host: given.host ?? (profile === 'production' ? '0.0.0.0' : '127.0.0.1'),
    port,
    issuer: given.issuer ?? `http://localhost:${port}`,
    dataFolder: resolve(cwd, data ?? '.writ'),
    trustedProxies: given.trustedProxies ?? [],
    mailFrom: given.mailFrom ?? 'writ@localhost',
    // A terminal is for people: in development only what is wrong is logged.
    logLevel: given.logLevel ?? (profile === 'production' ? 'info' : 'warn'),
    rejudgedLists: given.rejudgedLists ?? 0.01,
    ...(databaseUrl === undefined || databaseUrl === 'embedded' ? {} : { databaseUrl }),
    ...(databaseMigrationUrl === undefined ? {} : { databaseMigrationUrl }),
    ...(secretKey === undefined ? {} : { secretKey }),
    ...(smtpUrl === undefined ? {} : { smtpUrl }),
    ...(setupFile === undefined ? {} : { setupFile: resolve(cwd, setupFile) }),
  }
}

/** What development makes easy and production must not (`surface.md`, WRIT_PROFILE). */
function productionRefusals(config: Config, values: Values): string[] {
  const refusals: string[] = []
  if (values.issuer === undefined) refusals.push('WRIT_ISSUER is required in production')
  else if (!config.issuer.startsWith('https:')) refusals.push('WRIT_ISSUER must be https in production')
  if (values.databaseUrl === undefined) {
    refusals.push('DATABASE_URL is required in production (or DATABASE_URL=embedded, if you mean it)')
  }
  if (config.secretKey === undefined) refusals.push('WRIT_SECRET_KEY is required in production')
  return refusals
}

type Named = readonly [name: string, value: unknown]
const firstOf = (...named: readonly Named[]): Named | undefined => named.find(([, value]) => value !== undefined)

function readFlags(args: readonly string[], mistakes: string[]): { readonly [flag: string]: string | undefined } {
  const names = [...settings.map(({ flag }) => flag), 'config']
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]))
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values as {
      [flag: string]: string | undefined
    }
  } catch (error) {
    mistakes.push(error instanceof Error ? (error.message.split('. ')[0] ?? error.message) : String(error))
    return {}
  }
}

function readFile(path: string, mistakes: string[]): { readonly [key: string]: unknown } {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    mistakes.push(`${path} cannot be read`)
    return {}
  }
  const document = parseDocument(text)
  for (const error of document.errors) mistakes.push(`${path}: ${error.message.split('\n')[0]}`)
  if (document.errors.length > 0) return {}
  const value: unknown = document.toJS() ?? {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    mistakes.push(`${path} must be a mapping of settings`)
    return {}
  }
  const known = new Set<string>(settings.map(({ key }) => key))
  for (const key of Object.keys(value)) if (!known.has(key)) mistakes.push(`${path}: there is no setting "${key}"`)
  return value as { readonly [key: string]: unknown }
}

function reason(
  issue: { readonly code: string; readonly message: string; readonly values?: unknown } | undefined,
): string {
  if (!issue) return 'is not valid'
  if (issue.code === 'invalid_value' && Array.isArray(issue.values)) return `must be one of ${issue.values.join(', ')}`
  return issue.message.startsWith('must') ? issue.message : `is not valid: ${issue.message}`
}

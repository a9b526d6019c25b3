// Wires adapters, kernel, areas and listener. Whatever is large is imported while the database starts.
import { join } from 'node:path'
import type { Clock } from '../adapters/clock/port.ts'
import { DataFolderInUse, DataFolderUnwritable } from '../adapters/database/data-folder.ts'
import { type OpenedDatabase, openDatabase } from '../adapters/database/open.ts'
import { DatabaseError } from '../adapters/database/port.ts'
import type { Jobs } from '../adapters/jobs/port.ts'
import type { Inbox } from '../adapters/mail/inbox.ts'
import type { Mailer } from '../adapters/mail/port.ts'
import type { NoticeBus } from '../adapters/notice/port.ts'
import type { AreaTable } from './area.ts'
import type { Config } from './config/config.ts'
import type { Listener } from './http/listener.ts'
import type { Kernel } from './kernel.ts'
import { StartMistake } from './start-mistake.ts'
import { type StartProgress, startProgress } from './start-progress.ts'

export type StartOptions = {
  /** Port 0 takes a free one, and an issuer that names port 0 is given it. */
  readonly config: Config
  /** Lines for whoever started the server (not the log). */
  readonly tell: (text: string) => void
  readonly areas: () => Promise<AreaTable>
  /** What tests put in place of the real ones. */
  readonly clock?: Clock
  readonly mailer?: Mailer
  readonly jobs?: Jobs
  readonly logTo?: { write(line: string): void }
}

export type RunningServer = {
  readonly issuer: string
  /** Where it listens, as a URL: `http://127.0.0.1:3000`. */
  readonly url: string
  readonly kernel: Kernel
  /** Stops accepting, finishes requests, flushes outbox and log; at most ten seconds. */
  stop(): Promise<void>
}

/** Resolves when requests are served. Throws StartMistake for everything that the person who starts it can put right. */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const events = eventBuffer()
  // ORDER: first, because its process starts while everything else is loaded.
  const database = openDatabase({ ...databaseOptions(options.config), onEvent: events.tell })
  database.ready().catch(() => undefined)
  const progress = startProgress(options.tell)
  try {
    return await startWith(options, database, { events, progress })
  } catch (error) {
    await database.close().catch(() => undefined)
    throw await mistakeOf(error)
  } finally {
    progress.end()
  }
}

async function startWith(
  options: StartOptions,
  database: OpenedDatabase,
  { events, progress }: { readonly events: EventBuffer; readonly progress: StartProgress },
): Promise<RunningServer> {
  const { listen } = await import('./http/listener.ts')
  const listener = await openListeners(listen, options.config)
  const config = listener.config
  let close = async () => listener.close(0)
  try {
    const [parts, table] = await Promise.all([load(), options.areas()])
    const log = parts.createLog(config.logLevel, options.logTo)
    events.listen((text) => log.warn(text))
    const clock = options.clock ?? parts.systemClock
    const secrets = parts.sealedSecrets(
      config.secretKey === undefined
        ? parts.developmentSecretKeys(config.dataFolder)
        : parts.parseSecretKeys(config.secretKey),
    )
    const mailer = options.mailer ?? mailerOf(parts, config, clock)
    const areas = table({
      openObjects: () => parts.openFileSystemStore(join(config.dataFolder, 'objects')),
      tell: options.tell,
      egress: parts.guardedEgress({ allowLoopback: config.profile === 'development' }),
      ...(isInbox(mailer) ? { receivedMails: () => mailer.list() } : {}),
    })
    progress.at('the database')
    await database.ready()
    progress.at('migrations of the database')
    await parts.migrateDatabase(
      database,
      databaseOptions(config),
      areas.flatMap(({ migrations = [] }) => migrations),
    )
    const notice = noticesOf(parts, config, database, (error) =>
      log.error({ err: error }, 'a listener of notices failed'),
    )
    const ownJobs = options.jobs
      ? undefined
      : parts.postgresJobs(database, { onError: (err) => log.warn({ err }, 'jobs') })
    const jobs = options.jobs ?? ownJobs
    if (!jobs) throw new Error('jobs are either given or made')
    close = async () => {
      await listener.close(0)
      await notice.close()
    }
    progress.at('rules, keys and what the areas prepare')
    const built = await parts.buildServer({ config, log, clock, database, notice, secrets, mailer, jobs, areas })
    listener.serve(built.handle)
    // After the first requests can be served: its schema takes a while to make.
    ownJobs?.start().catch((error) => log.error({ err: error }, 'jobs do not run'))
    return {
      issuer: config.issuer,
      url: `${config.tls ? 'https' : 'http'}://${config.host.includes(':') ? `[${config.host}]` : config.host}:${listener.port}`,
      kernel: built.kernel,
      async stop() {
        built.drain()
        await listener.close(parts.limits.drainMilliseconds)
        await built.stop()
        await jobs.stop(parts.limits.drainMilliseconds)
        await notice.close()
        await mailer.close()
        await database.close()
        log.flush()
      },
    }
  } catch (error) {
    await close().catch(() => undefined)
    throw error
  }
}

/** What the database says before there is a log. */
type EventBuffer = { tell(text: string): void; listen(listener: (text: string) => void): void }

function eventBuffer(): EventBuffer {
  const early: string[] = []
  let listener: ((text: string) => void) | undefined
  return {
    tell(text) {
      if (listener) listener(text)
      else early.push(text)
    },
    listen(next) {
      listener = next
      early.splice(0).forEach(next)
    },
  }
}

/** Everything large, at once: it loads while the database's process starts. */
async function load() {
  const [build, log, limits, clock, open, sealed, keys, inbox, smtp, inProcess, postgres, jobs, objects, egress] =
    await Promise.all([
      import('./build-server.ts'),
      import('./http/log.ts'),
      import('./http/limits.ts'),
      import('../adapters/clock/system-clock.ts'),
      import('../adapters/database/open.ts'),
      import('../adapters/secrets/sealed.ts'),
      import('../adapters/secrets/secret-key.ts'),
      import('../adapters/mail/inbox.ts'),
      import('../adapters/mail/smtp.ts'),
      import('../adapters/notice/in-process.ts'),
      import('../adapters/notice/postgres.ts'),
      import('../adapters/jobs/postgres.ts'),
      import('../adapters/object-store/file-system.ts'),
      import('../adapters/egress/guarded-egress.ts'),
    ])
  return {
    ...build,
    ...log,
    ...limits,
    ...clock,
    ...open,
    ...sealed,
    ...keys,
    ...inbox,
    ...smtp,
    ...inProcess,
    ...postgres,
    ...jobs,
    ...objects,
    ...egress,
  }
}
type Parts = Awaited<ReturnType<typeof load>>

function databaseOptions({ dataFolder, databaseUrl, databaseMigrationUrl }: Config) {
  return {
    dataFolder,
    ...(databaseUrl === undefined ? {} : { url: databaseUrl }),
    ...(databaseMigrationUrl === undefined ? {} : { migrationUrl: databaseMigrationUrl }),
  }
}

/** One node needs no server to tell itself. */
function noticesOf(
  parts: Parts,
  { databaseUrl }: Config,
  database: OpenedDatabase,
  onListenerError: (error: unknown) => void,
): NoticeBus {
  return databaseUrl === undefined
    ? parts.inProcessNotices(database, onListenerError)
    : parts.postgresNotices({ url: databaseUrl, database, onListenerError })
}

const mailerOf = (parts: Parts, { smtpUrl, mailFrom }: Config, clock: Clock): Mailer =>
  smtpUrl === undefined ? parts.inboxMailer(clock) : parts.smtpMailer({ url: smtpUrl, from: mailFrom })

const isInbox = (mailer: Mailer): mailer is Inbox => 'list' in mailer

/** The port for everybody and, where one is set, the port for clients with certificates: served and closed as one. */
async function openListeners(
  listen: typeof import('./http/listener.ts').listen,
  given: Config,
): Promise<Listener & { readonly config: Config }> {
  const { host, tls, clientAuthorities: authorities } = given
  const first = await listen(host, given.port, tls)
  const config = withPort(given, first.port)
  if (!tls || given.mtlsPort === undefined) return { ...first, config }
  const clients = { authorities }
  const second = await listen(host, given.mtlsPort, { ...tls, clients }).catch(async (error: unknown) => {
    await first.close(0)
    throw error
  })
  const mtlsUrl = config.mtlsUrl?.replace(/:0(?=\/|$)/, `:${second.port}`)
  return {
    port: first.port,
    config: { ...config, mtlsPort: second.port, ...(mtlsUrl === undefined ? {} : { mtlsUrl }) },
    serve(handle) {
      first.serve(handle)
      second.serve(handle)
    },
    close: async (milliseconds) => {
      await Promise.all([first.close(milliseconds), second.close(milliseconds)])
    },
  }
}

/** A free port was taken: whatever was derived from port 0 names it. */
function withPort(config: Config, port: number): Config {
  if (config.port !== 0) return config
  return { ...config, port, issuer: config.issuer.replace(/:0$/, `:${port}`) }
}

/** What the person who starts the server can put right, in one line. */
async function mistakeOf(error: unknown): Promise<unknown> {
  if (error instanceof DataFolderInUse || error instanceof DataFolderUnwritable) {
    return new StartMistake(error.message, { cause: error })
  }
  if (error instanceof DatabaseError && (error.kind === 'unavailable' || error.kind === 'timeout')) {
    return new StartMistake('the database cannot be reached', { cause: error, exitCode: 4 })
  }
  const [{ SecretKeyError }, { SchemaIsNewer }] = await Promise.all([
    import('../adapters/secrets/secret-key.ts'),
    import('../adapters/database/migrate.ts'),
  ])
  const isTheirs = error instanceof SecretKeyError || error instanceof SchemaIsNewer
  return isTheirs ? new StartMistake(error.message, { cause: error }) : error
}

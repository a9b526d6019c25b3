import type { CommandIo } from './io.ts'

export type Command = {
  readonly name: string
  readonly group: 'policies' | 'server' | 'state as files'
  readonly summary: string
  readonly usage: string
  readonly details: readonly string[]
  /** Imported when it is run, so that `writ check` does not load a server. */
  readonly load: () => Promise<{ readonly run: Run }>
}
export type Run = (args: readonly string[], io: CommandIo) => Promise<number>

/** THE TABLE of commands. */
export const commands: readonly Command[] = [
  {
    name: 'check',
    group: 'policies',
    summary: 'report every mistake in policy files',
    usage: 'writ check [--watch] [--shipped] [--edition N] [--progress] FILE|FOLDER…',
    details: [
      '--watch    check again whenever a file changes',
      "--shipped  together with the server's own policies, as a tenant's set is",
      '--edition  of the language that the set is written in; the newest if not said',
      '--progress say on standard error how far it is, also without a terminal',
    ],
    load: () => import('./check.ts'),
  },
  {
    name: 'fmt',
    group: 'policies',
    summary: 'lay policy files out in the one way',
    usage: 'writ fmt [--check] [--edition N] FILE|FOLDER…',
    details: [
      '--check    write nothing; exit 1 if a file would change',
      '--edition  bring files of the edition before to this one',
    ],
    load: () => import('./fmt.ts'),
  },
  {
    name: 'test',
    group: 'policies',
    summary: 'run the test items of policy files',
    usage: 'writ test [--watch] [--shipped] [--edition N] [--progress] FILE|FOLDER…',
    details: [
      '--watch    test again whenever a file changes',
      "--shipped  together with the server's own policies; their tests run too",
    ],
    load: () => import('./test.ts'),
  },
  {
    name: 'coverage',
    group: 'policies',
    summary: 'say which rules and conditions the tests have shown',
    usage: 'writ coverage [--threshold PERCENT] [--html FILE] [--edition N] [--progress] FILE|FOLDER…',
    details: [
      '--threshold 80      exit 1 below this share of rules, or of atomic conditions seen true and false',
      '--threshold 100,80  the same, rules and conditions apart',
      '--html FILE         write the whole report as a page',
    ],
    load: () => import('./coverage.ts'),
  },
  {
    name: 'decide',
    group: 'policies',
    summary: 'answer requests, one line each',
    usage: 'writ decide --policy FOLDER --entities FILE --requests FILE.jsonl [--now TIME]',
    details: [
      'writ decide --batch CASES.jsonl [--jobs N]',
      '--now TIME    the clock of every request that brings none (RFC 3339)',
      '--exit-code   exit 1 if any request is denied',
      '--format      jsonl (default) or json',
    ],
    load: () => import('./decide.ts'),
  },
  {
    name: 'list',
    group: 'policies',
    summary: 'list what a subject may act on, or who may',
    usage: 'writ list --policy FOLDER --entities FILE --subject \'User::"ann"\' --action read --type Document',
    details: [
      '--resource \'Document::"d"\'  instead of --subject: lists the subjects of --type; `*` is everyone of it',
      '--context FILE              arguments and standard context, a JSON object',
      '--now TIME                  the clock (RFC 3339)',
    ],
    load: () => import('./list.ts'),
  },
  {
    name: 'explain',
    group: 'policies',
    summary: 'say why a request is decided so, and what would flip it',
    usage:
      'writ explain --policy FOLDER --entities FILE --subject \'User::"ann"\' --action read --resource \'Document::"d"\'',
    details: [
      '--context FILE  arguments and standard context, a JSON object; without --subject the request is anonymous',
      '--request FILE  a whole request as `writ decide` takes it, instead of the parts',
      '--as-caller     only what a caller without the right to explain may know',
      '--plan          what the index does for such requests, and which rules it cannot find by look-up',
      '--now TIME      the clock (RFC 3339)',
    ],
    load: () => import('./explain.ts'),
  },
  {
    name: 'start',
    group: 'server',
    summary: 'start the server',
    usage: 'writ start',
    details: ['Settings come from the environment; see docs/configuration.md.'],
    load: () => import('./start.ts'),
  },
  {
    name: 'migrate',
    group: 'server',
    summary: 'bring the database to the newest schema',
    usage: 'writ migrate',
    details: [],
    load: () => import('./migrate.ts'),
  },
  {
    name: 'keys',
    group: 'server',
    summary: 'replace the keys that sign tokens',
    usage: 'writ keys rotate [--now] [--compromised]',
    details: [
      'Publishes the next keys; run again after a day, it signs with them.',
      '--now          sign with the next keys at once',
      '--compromised  nothing that the present keys signed is good any more',
    ],
    load: () => import('./keys.ts'),
  },
  {
    name: 'doctor',
    group: 'server',
    summary: 'look for what would keep the server from working',
    usage: 'writ doctor',
    details: [],
    load: () => import('./doctor.ts'),
  },
  {
    name: 'apply',
    group: 'state as files',
    summary: 'make the server match YAML documents',
    usage: 'writ apply -f FILE… [--prune]',
    details: ['--prune    delete what documents once made and these do not list'],
    load: () => import('./apply.ts'),
  },
  {
    name: 'plan',
    group: 'state as files',
    summary: 'say what apply would do',
    usage: 'writ plan -f FILE… [--prune]',
    details: [],
    load: () => import('./plan.ts'),
  },
  {
    name: 'export',
    group: 'state as files',
    summary: 'write the state as documents, without secrets',
    usage: 'writ export',
    details: [],
    load: () => import('./export.ts'),
  },
]

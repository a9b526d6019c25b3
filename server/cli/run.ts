import { type Command, commands } from './commands.ts'
import { exit } from './exit-codes.ts'
import type { CommandIo } from './io.ts'
import { suggest } from './suggest.ts'
import { UsageMistake } from './usage-mistake.ts'

/** Runs one command line and answers the exit code. Nothing that a person can type ends in a stack trace. */
export async function runCommandLine(args: readonly string[], io: CommandIo): Promise<number> {
  const [first, ...rest] = args
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    const asked = first === 'help' ? findCommand(rest) : undefined
    await io.out(asked ? commandHelp(asked.command) : overview())
    return first === undefined ? exit.misuse : exit.fine
  }
  const found = findCommand(args)
  if (!found) return unknownCommand(first, io)
  if (found.rest.includes('--help') || found.rest.includes('-h')) {
    await io.out(commandHelp(found.command))
    return exit.fine
  }
  try {
    const { run } = await found.command.load()
    return await run(found.rest, io)
  } catch (error) {
    if (!(error instanceof UsageMistake)) throw error
    io.error(`writ ${found.command.name}: ${error.message}\n  usage: ${found.command.usage}\n`)
    return exit.misuse
  }
}

/** `keys rotate` is one command of two words. */
function findCommand(args: readonly string[]): { readonly command: Command; readonly rest: string[] } | undefined {
  for (const words of [2, 1]) {
    const command = commands.find(({ name }) => name === args.slice(0, words).join(' '))
    if (command) return { command, rest: args.slice(words) }
  }
  return undefined
}

function unknownCommand(name: string, io: CommandIo): number {
  const nearest = suggest(
    name,
    commands.map((command) => command.name),
  )
  io.error(`writ: unknown command "${name}"${nearest ? `; did you mean "${nearest}"?` : ''}\n`)
  io.error('  `writ --help` lists the commands.\n')
  return exit.misuse
}

function overview(): string {
  const groups = [...new Set(commands.map((command) => command.group))]
  const width = Math.max(...commands.map((command) => command.name.length)) + 2
  const lines = groups.flatMap((group) => [
    '',
    group,
    ...commands
      .filter((command) => command.group === group)
      .map((command) => `  ${command.name.padEnd(width)}${command.summary}`),
  ])
  return ['writ <command> [--format text|json] [--help]', ...lines, '', exitCodes, ''].join('\n')
}

const commandHelp = (command: Command): string =>
  [
    `${command.name}: ${command.summary}`,
    '',
    `  ${command.usage}`,
    ...command.details.map((line) => `  ${line}`),
    '',
    exitCodes,
    '',
  ].join('\n')

const exitCodes =
  'exit: 0 fine · 1 the answer is no · 2 wrong use or configuration · 3 cannot be expressed · 4 not reachable or timed out'

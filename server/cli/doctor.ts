import { compileProgram, runTests } from '../../policy-lang/index.ts'
import { ConfigurationError, readConfig } from '../config/read-config.ts'
import { examineServer, type Finding } from '../maintenance.ts'
import { exit } from './exit-codes.ts'
import type { CommandIo } from './io.ts'
import { readShippedPolicies } from './read-policies.ts'

/** `writ doctor`: everything that would keep the server from working, at once. */
export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const format = args.includes('--format=json') ? 'json' : 'text'
  const findings: Finding[] = [runtime(), policies()]
  try {
    const config = readConfig({
      args: args.filter((arg) => !arg.startsWith('--format=')),
      env: io.environment,
      cwd: io.folder,
    })
    findings.push({ what: 'configuration', state: 'ok', detail: `${config.profile}, ${config.issuer}` })
    findings.push(...(await examineServer(config, await io.areas())))
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    for (const mistake of error.mistakes) findings.push({ what: 'configuration', state: 'fail', detail: mistake })
  }
  if (format === 'json') await io.out(`${JSON.stringify({ findings })}\n`)
  else for (const { state, what, detail } of findings) await io.out(`${state.padEnd(5)}${what}: ${detail}\n`)
  return findings.some(({ state }) => state === 'fail') ? exit.misuse : exit.fine
}

function runtime(): Finding {
  const isNew = Number(process.versions.node.split('.')[0]) >= 24
  return { what: 'runtime', state: isNew ? 'ok' : 'fail', detail: `Node ${process.versions.node}` }
}

/** The rules that ship with this version, as a tenant without rules of its own has them. */
function policies(): Finding {
  const { program, diagnostics } = compileProgram(readShippedPolicies())
  if (!program) return { what: 'policies', state: 'fail', detail: diagnostics[0]?.message ?? 'they do not compile' }
  const { passed, failed } = runTests(program)
  return {
    what: 'policies',
    state: failed > 0 ? 'fail' : 'ok',
    detail: `${program.rules.length} rules, ${passed} of ${passed + failed} tests pass`,
  }
}

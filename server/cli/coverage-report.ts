import type { Coverage, SourceFile } from '../../policy-lang/index.ts'

/** Coverage with places that a person can open. */
export type LocatedCoverage = {
  readonly summary: {
    readonly rules: number
    readonly coveredRules: number
    readonly conditions: number
    readonly coveredConditions: number
  }
  readonly rules: readonly LocatedRule[]
}
export type LocatedRule = {
  readonly id: string
  readonly effect: 'allow' | 'deny'
  readonly file: string
  readonly line: number
  readonly counted: boolean
  readonly notCounted: boolean
  /** An allow was seen counting; a deny both denying and not (SPEC 9). */
  readonly covered: boolean
  readonly conditions: readonly {
    readonly text: string
    readonly line: number
    readonly seenTrue: boolean
    readonly seenFalse: boolean
  }[]
}

export function locateCoverage(coverage: Coverage, sources: readonly SourceFile[]): LocatedCoverage {
  const byId = new Map(sources.map((source) => [source.id, source]))
  const lineOf = (span: { readonly file: number; readonly start: number }) =>
    byId.get(span.file)?.text.slice(0, span.start).split('\n').length ?? 1
  const rules = coverage.rules.map(({ span, conditions, id, effect, counted, notCounted }) => ({
    id,
    effect,
    file: byId.get(span.file)?.path ?? '',
    line: lineOf(span),
    counted,
    notCounted,
    covered: counted && (effect === 'allow' || notCounted),
    conditions: conditions.map((condition) => ({
      text: (byId.get(condition.span.file)?.text ?? '')
        .slice(condition.span.start, condition.span.end)
        .replace(/\s+/g, ' '),
      line: lineOf(condition.span),
      seenTrue: condition.seenTrue,
      seenFalse: condition.seenFalse,
    })),
  }))
  return {
    summary: {
      rules: rules.length,
      coveredRules: rules.filter(({ covered }) => covered).length,
      conditions: coverage.conditions,
      coveredConditions: coverage.coveredConditions,
    },
    rules,
  }
}

/** Only what is missing, then the sums. */
export function coverageText({ rules, summary }: LocatedCoverage): string {
  const lines = rules.flatMap((rule) => {
    const gaps = rule.conditions.flatMap((condition) => {
      const never = unseen(condition.seenTrue, condition.seenFalse, ['true', 'false'])
      return never ? [`  ${rule.file}:${condition.line}: \`${condition.text}\` was never ${never}`] : []
    })
    const never = rule.covered ? '' : unseen(rule.counted, rule.effect === 'allow' || rule.notCounted, ruleWords(rule))
    return never || gaps.length > 0
      ? [`${rule.file}:${rule.line}: ${rule.effect} "${rule.id}"${never ? ` was never ${never}` : ''}`, ...gaps]
      : []
  })
  const sums = [
    `rules       ${share(summary.coveredRules, summary.rules)}`,
    `conditions  ${share(summary.coveredConditions, summary.conditions)}`,
  ]
  return `${[...lines, ...sums].join('\n')}\n`
}

/** One page without scripts; every text of the policies is escaped. */
export function coverageHtml({ rules, summary }: LocatedCoverage): string {
  const rows = rules.flatMap((rule) => [
    `<tr class="${rule.covered ? 'seen' : 'gap'}"><th>${escapeHtml(`${rule.file}:${rule.line}`)}</th>` +
      `<th>${rule.effect} ${escapeHtml(rule.id)}</th><td>${tick(rule.counted)}</td><td>${tick(rule.notCounted)}</td></tr>`,
    ...rule.conditions.map(
      (condition) =>
        `<tr class="${condition.seenTrue && condition.seenFalse ? 'seen' : 'gap'}"><td>${condition.line}</td>` +
        `<td><code>${escapeHtml(condition.text)}</code></td>` +
        `<td>${tick(condition.seenTrue)}</td><td>${tick(condition.seenFalse)}</td></tr>`,
    ),
  ])
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Policy coverage</title>
<style>body{font:16px/1.5 system-ui;margin:2rem}td,th{text-align:left;padding:.2rem 1rem .2rem 0}.gap{background:#fde8e8}</style>
<h1>Policy coverage</h1>
<p>Rules ${share(summary.coveredRules, summary.rules)}, conditions ${share(summary.coveredConditions, summary.conditions)}.</p>
<table><thead><tr><th>Place<th>Rule or condition<th>True<th>False</thead>
<tbody>
${rows.join('\n')}
</tbody></table></html>
`
}

const ruleWords = (rule: LocatedRule): Words => (rule.effect === 'deny' ? ['denying', 'not denying'] : ['allowing', ''])

type Words = readonly [string, string]

const unseen = (first: boolean, second: boolean, [one, other]: Words): string =>
  [first ? '' : one, second ? '' : other].filter((word) => word).join(' and never ')

const share = (part: number, whole: number): string =>
  `${part} of ${whole} (${whole === 0 ? 100 : Math.floor((part * 100) / whole)} %)`

const tick = (seen: boolean): string => (seen ? 'seen' : 'not seen')
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ReportRow } from './report.ts'

export type Figures = { readonly [name: string]: number }
export type CurveRow = { readonly title: string; readonly size: number; readonly figures: Figures }

const docs = fileURLToPath(new URL('../../docs/', import.meta.url))
const heading = '## Decisions in process'

/** Writes this bench's own section of `docs/performance.md` and its pictures; the rest of the page stays. */
export function writeDecisionDocs(rows: readonly ReportRow[], curves: readonly CurveRow[]): void {
  mkdirSync(`${docs}performance`, { recursive: true })
  const titles = [...new Set(curves.map(({ title }) => title))]
  const pictures = titles.map((title) => {
    const name = `${title.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}.svg`
    writeFileSync(
      `${docs}performance/${name}`,
      picture(
        title,
        curves.filter((row) => row.title === title),
      ),
    )
    return `![${title}](performance/${name})`
  })
  const page = `${docs}performance.md`
  const old = existsSync(page) ? readFileSync(page, 'utf8') : '# Performance\n'
  writeFileSync(page, withSection(old, section(rows, curves, pictures)))
}

function section(rows: readonly ReportRow[], curves: readonly CurveRow[], pictures: readonly string[]): string {
  const files = rows.filter(({ bench, values }) => bench === 'decision' && values.floor !== undefined)
  const workloads = files.filter(({ name }) => !curves.some(({ title }) => name.startsWith(title)))
  const compared = workloads.map(({ name, values }) => {
    const { ours = 0, floor = 1 } = values
    return [
      name,
      ns(ours),
      ns(floor),
      (ours / floor).toFixed(2),
      ns(values['cedar native']),
      ns(values['cedar-wasm']),
      ns(values.casbin),
    ]
  })
  const grown = curves.map(({ title, size, figures }) => [
    title,
    size.toLocaleString('en'),
    ns(figures.ours),
    ns(figures.floor),
    ns(figures.different),
    ns(figures.floorDifferent),
    figures.load === undefined ? '–' : `${figures.load.toFixed(0)} ms`,
    (figures.bytes ?? 0).toFixed(0),
  ])
  return [
    heading,
    'One decision from a plain object with text ids, reasons included: mean over a file’s requests in turn, processor time. Each\nrow runs in a process of its own; answers are checked first. `npm run bench -- decision --write-docs` writes this section.',
    table(['workload', 'Writ', 'by hand', 'ratio', 'Cedar native', 'Cedar in WebAssembly', 'casbin'], compared),
    table(
      ['curve', 'size', 'requests in turn', 'by hand', 'all different', 'by hand', 'compile', 'bytes a decision'],
      grown,
    ),
    pictures.join('\n'),
  ].join('\n\n')
}

const ns = (value: number | undefined): string =>
  value === undefined ? '–' : value < 10_000 ? `${value.toFixed(0)} ns` : `${(value / 1000).toFixed(0)} µs`

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

function withSection(page: string, text: string): string {
  const start = page.indexOf(heading)
  if (start < 0) return `${page.trimEnd()}\n\n${text}\n`
  const next = page.indexOf('\n## ', start + heading.length)
  return `${page.slice(0, start)}${text}\n${next < 0 ? '' : page.slice(next)}`
}

/** ns over size, both on scales of powers of ten. */
function picture(title: string, rows: readonly CurveRow[]): string {
  const [width, height, left, bottom] = [480, 240, 60, 40]
  const sizes = rows.map(({ size }) => Math.log10(size))
  const [from, to] = [Math.min(...sizes), Math.max(...sizes)]
  const x = (size: number): number => left + ((Math.log10(size) - from) / (to - from || 1)) * (width - left - 20)
  const y = (value: number): number => height - bottom - ((Math.log10(value) - 1) / 3) * (height - bottom - 30)
  const points = rows.map(({ size, figures }) => `${x(size).toFixed(1)},${y(figures.ours ?? 10).toFixed(1)}`)
  const marks = [10, 100, 1000, 10_000].map(
    (value) =>
      `<text x="${left - 8}" y="${y(value) + 4}" text-anchor="end">${value} ns</text><path d="M${left} ${y(value)}H${width - 20}" stroke="#ddd"/>`,
  )
  const labels = rows.map(
    ({ size }) => `<text x="${x(size)}" y="${height - 18}" text-anchor="middle">${size.toLocaleString('en')}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11" role="img"><title>${title}</title><rect width="${width}" height="${height}" fill="#fff"/><text x="${left}" y="18" font-size="13">${title}</text>${marks.join('')}${labels.join('')}<polyline points="${points.join(' ')}" fill="none" stroke="#2563eb" stroke-width="2"/></svg>\n`
}

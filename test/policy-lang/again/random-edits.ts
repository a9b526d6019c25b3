import fc from 'fast-check'
import { type PolicyFile, parseFile } from '../../../policy-lang/index.ts'
import { readCorpus } from '../../kit/corpus.ts'
import { readCases } from '../cases/read-cases.ts'

export type Files = readonly (PolicyFile & { readonly text: string })[]

/** Numbers that `applyEdit` takes modulo whatever it finds. */
export type Edit = {
  readonly kind: (typeof kinds)[number]
  readonly file: number
  readonly at: number
  readonly count: number
  readonly other: number
  readonly put: string
}

const kinds = [
  'line',
  'line',
  'joinLines',
  'joinLines',
  'breakLine',
  'indent',
  'indent',
  'characters',
  'characters',
  'word',
  'word',
  'word',
  'deleteItem',
  'moveItem',
  'repeatItem',
  'foreignItem',
  'deleteLines',
  'addFile',
  'removeFile',
  'renameFile',
  'repeatFile',
  'turnFiles',
  'nothing',
] as const

export const anyEdit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom(...kinds),
  file: fc.nat(50),
  at: fc.nat(100_000),
  count: fc.nat(6),
  other: fc.nat(100_000),
  put: fc.constantFrom(
    '',
    ' ',
    '\n',
    '\n\n',
    '// c\n',
    '  // c\n',
    '/// d\n',
    '@id("x")\n',
    '@',
    '(',
    '"',
    '}',
    '1',
    'a',
    '\u0000',
  ),
})

/** Where chains of edits begin: the examples, the server's own sets, and small sets of several files, right and wrong. */
export const startingSets: readonly Files[] = [
  ...readCorpus().map(({ path, text }) => [{ path, text }]),
  ...(['accepted', 'refused', 'decided'] as const).flatMap((folder) =>
    readCases(folder).map(({ files }) => textsOf(files)),
  ),
]

function textsOf(files: readonly PolicyFile[]): Files {
  return files.map((file) => ({ ...file, text: typeof file.text === 'string' ? file.text : '' }))
}

/** Texts of single items, from everywhere. */
const foreign = startingSets.flatMap((files) => files.flatMap(({ text }) => itemsOf(text)))

export function applyEdit(files: Files, edit: Edit): Files {
  const [file = { path: 'new.fbac', text: '' }, index] = pick(files, edit.file)
  const others = files.filter((_, at) => at !== index)
  const withText = (text: string): Files => files.map((each, at) => (at === index ? { ...each, text } : each))
  switch (edit.kind) {
    case 'addFile':
      return [
        ...files,
        { path: `organizations/o/f${edit.at % 5}.fbac`, text: (pick(foreign, edit.other)[0] ?? '') + edit.put },
      ]
    case 'removeFile':
      return others
    case 'renameFile':
      return [...others, { ...file, path: edit.at % 2 === 0 ? `organizations/acme/${file.path}` : `a${file.path}` }]
    case 'repeatFile':
      return [...files, { ...file, text: applyToText(file.text, { ...edit, kind: 'word' }) }]
    case 'turnFiles':
      return [...files].reverse()
    default:
      return withText(applyToText(file.text, edit))
  }
}

function applyToText(text: string, edit: Edit): string {
  switch (edit.kind) {
    case 'line':
    case 'deleteLines': {
      const lines = text.split('\n')
      const at = edit.at % (lines.length + 1)
      const rest = lines.slice(edit.kind === 'line' ? at : at + edit.count)
      return [...lines.slice(0, at), ...(edit.kind === 'line' ? [edit.put.replace(/\n$/, '')] : []), ...rest].join('\n')
    }
    case 'characters': {
      const at = edit.at % (text.length + 1)
      return text.slice(0, at) + edit.put + text.slice(at + edit.count)
    }
    case 'word':
      return replaceWord(text, edit)
    case 'joinLines':
      return replaceMatch(text, /\n+/g, edit.at, () => (edit.count > 2 ? ' ' : ''))
    case 'breakLine':
      return replaceMatch(text, /(?<=\S) (?=\S)/g, edit.at, () => (edit.count > 2 ? '\n' : '\n  '))
    case 'indent':
      return replaceMatch(text, /^ *(?=\S)/gm, edit.at, (spaces) => (spaces === '' ? '  ' : ''))
    case 'deleteItem':
    case 'moveItem':
    case 'repeatItem': {
      const [item = ''] = pick(itemsOf(text), edit.at)
      const without = edit.kind === 'repeatItem' ? text : text.replace(item, () => '')
      return edit.kind === 'deleteItem' ? without : insertItem(without, item, edit.other)
    }
    case 'foreignItem':
      return insertItem(text, pick(foreign, edit.other)[0] ?? '', edit.at)
    default:
      return text
  }
}

/** One word, number or string becomes another that stands in the text, or the same with a digit more. */
function replaceWord(text: string, { at, other, count }: Edit): string {
  const words = [...text.matchAll(/"[^"\n]*"|\w+/g)]
  const [old] = pick(words, at)
  if (!old) return text
  const found = pick(words, other)[0]?.[0] ?? ''
  const by = count > 2 ? found : old[0].replace(/"?$/, (end) => `1${end}`)
  return text.slice(0, old.index) + by + text.slice(old.index + old[0].length)
}

function replaceMatch(text: string, pattern: RegExp, at: number, by: (found: string) => string): string {
  const [match] = pick([...text.matchAll(pattern)], at)
  return match ? text.slice(0, match.index) + by(match[0]) + text.slice(match.index + match[0].length) : text
}

function insertItem(text: string, item: string, place: number): string {
  const starts = [...text.matchAll(/^(?=\S)/gm)].map((match) => match.index)
  const at = pick([...starts, text.length], place)[0] ?? 0
  return `${text.slice(0, at)}${at === text.length && !text.endsWith('\n') ? '\n' : ''}${item}\n${text.slice(at)}`
}

function itemsOf(text: string): string[] {
  const { file } = parseFile({ id: 0, path: 'items.fbac', text })
  return file.items.map(({ span }) => text.slice(span.start, span.end))
}

function pick<Item>(list: readonly Item[], number: number): readonly [Item | undefined, number] {
  const index = list.length === 0 ? -1 : number % list.length
  return [list[index], index]
}

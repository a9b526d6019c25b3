import { describe, expect, test } from '@jest/globals'
import { html } from '../../../server/pages/html.ts'
import { chooseLanguage } from '../../../server/pages/language.ts'
import { formSource } from '../../../server/pages/page.ts'
import { josa, textsIn } from '../../../server/pages/texts.ts'

describe('html', () => {
  test('escapes every hole, in text and in attributes (security.md row 13)', () => {
    const hostile = `</script><img src=x onerror="alert('1')">\``
    expect(html`<p title="${hostile}">${hostile}</p>`.markup).toBe(`<p title="${escaped}">${escaped}</p>`)
  })
  const escaped = '&lt;/script&gt;&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&#96;'

  test('nests what it made itself, and leaves out what is absent', () => {
    const items = ['a', '<b>'].map((text) => html`<li>${text}</li>`)
    expect(html`<ul>${items}</ul>${undefined}${false}${0}`.markup).toBe('<ul><li>a</li><li>&lt;b&gt;</li></ul>0')
  })
})

describe('language: ui_locales > cookie > Accept-Language > English (people.md §5)', () => {
  test.each([
    [{ uiLocales: 'fr ko-KR en', cookie: 'en', acceptLanguage: 'en' }, 'ko'],
    [{ uiLocales: 'fr', cookie: 'ko', acceptLanguage: 'en' }, 'ko'],
    [{ acceptLanguage: 'fr, en;q=0.5, ko;q=0.9' }, 'ko'],
    [{ acceptLanguage: 'ko;q=0, en' }, 'en'],
    [{ acceptLanguage: 'xx;;;q=,,,' }, 'en'],
    [{}, 'en'],
  ] as const)('%j → %s', (from, language) => {
    expect(chooseLanguage(from)).toBe(language)
  })

  test('every text exists in both languages', () => {
    const [english, korean] = [textsIn('en'), textsIn('ko')]
    expect(Object.keys(korean).sort()).toEqual(Object.keys(english).sort())
    expect(Object.keys(korean.scopes).sort()).toEqual(Object.keys(english.scopes).sort())
  })

  test('particles follow the last sound', () => {
    expect([
      josa('저장소', '을', '를'),
      josa('책', '을', '를'),
      josa('서울', '으로', '로'),
      josa('부산', '으로', '로'),
    ]).toEqual(['저장소를', '책을', '서울로', '부산으로'])
    expect(josa('Demo', '이', '가')).toBe('Demo이(가)')
  })
})

test('form-action names origins and app schemes and nothing else', () => {
  expect(formSource('https://app.example/cb?x=1')).toEqual(['https://app.example'])
  expect(formSource('com.example.app:/cb')).toEqual(['com.example.app:'])
  expect(formSource("'none'; script-src *")).toEqual([])
})

import { describe as group, expect, it, vi } from 'vitest'
import { Problem } from '@/api/problem'
import { describe } from './describe'
import en from './en'
import { i18n, preferred, setLanguage, translate } from '.'
import zh from './zh-CN'

type Tree = { [key: string]: string | Tree }

/** Every text with its path. */
function texts(tree: Tree, path = ''): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'string' ? [[path + key, value] as [string, string]] : texts(value, `${path}${key}.`))
}

const placeholders = (text: string) => [...new Set(text.match(/\{\w+\}/g))].sort()

group('the two languages', () => {
  const chinese = new Map(texts(zh))

  it.each(texts(en))('%s says the same things', (path, text) => {
    const other = chinese.get(path)
    expect(other, 'is there').toBeTruthy()
    // `{n}` may be left out of one of the two: "one second" and 1 秒.
    const without = (names: string[]) => names.filter(name => name !== '{n}')
    expect(without(placeholders(other ?? ''))).toEqual(without(placeholders(text)))
    expect(other?.includes('{n}')).toBe(text.includes('{n}'))
  })

  it('Chinese has no more than English, is Chinese, and ends its sentences as English does', () => {
    expect([...chinese.keys()].sort()).toEqual(texts(en).map(([path]) => path).sort())
    for (const [path, text] of texts(en)) {
      if (/\.$/.test(text)) expect(chinese.get(path), path).toMatch(/[。！？]$/)
    }
  })

  it('compiles', async () => {
    const broken = vi.spyOn(console, 'error')
    for (const language of ['en', 'zh-CN'] as const) {
      setLanguage(language)
      for (const [path] of texts(en)) i18n.global.t(path, { n: 2 }, 2)
    }
    expect(broken).not.toHaveBeenCalled()
  })
})

group('preferred', () => {
  it.each([
    [['zh-TW', 'en'], 'zh-CN'], [['en-GB', 'zh'], 'en'], [['fr', 'zh-Hans-CN', 'en'], 'zh-CN'], [['fr'], 'en'], [[], 'en'],
  ] as const)('%j reads %s', (wanted, language) => {
    expect(preferred(wanted, null)).toBe(language)
  })

  it('goes by what was chosen before', () => {
    expect(preferred(['zh'], 'en')).toBe('en')
  })
})

group('a text', () => {
  it('fills in, counts, and follows the language', async () => {
    setLanguage('en')
    expect(document.documentElement.lang).toBe('en')
    expect(translate('shell.reference', { id: 'abc' })).toBe('Reference for support: abc')
    expect([1, 2, 30].map(n => translate('shell.retryIn', {}, n))).toEqual([
      'Try again in one second.', 'Try again in 2 seconds.', 'Try again in 30 seconds.',
    ])
    setLanguage('zh-CN')
    expect(document.documentElement.lang).toBe('zh-CN')
    expect([1, 30].map(n => translate('shell.retryIn', {}, n))).toEqual(['请在 1 秒后重试。', '请在 30 秒后重试。'])
    expect(preferred(['en'])).toBe('zh-CN') // kept
  })
})

group('a problem in words', () => {
  it('says how long to wait, in what a person would say', async () => {
    setLanguage('en')
    expect(describe(new Problem('rate_limited', { retryAfter: 12 }), translate)).toBe('That was a little fast. Try again in 12 seconds.')
    expect(describe(new Problem('unavailable', { retryAfter: 600 }), translate)).toMatch(/ in 10 minutes\.$/)
    expect(describe(new Problem('unreachable'), translate)).toBe(en.problems.unreachable)
  })
})

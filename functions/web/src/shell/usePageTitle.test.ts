import { expect, it } from 'vitest'
import { titlePrefix } from './usePageTitle'

it.each([
  [[], ''],
  [[{ progress: 41.6 }], '42% · '],
  [[{ progress: 10 }, { progress: 90 }], '(2) '],
])('%j is told as %j', (active, prefix) => {
  expect(titlePrefix(active)).toBe(prefix)
})

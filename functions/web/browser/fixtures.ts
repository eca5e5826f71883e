import { test as base } from '@playwright/test'

/** What a file of stories wants of the system that it is told over. */
export interface Settings {
  /** Environment of the system, over what the harness chooses. */
  env: Record<string, string>
}

export const test = base.extend<object, Settings>({
  env: [{}, { option: true, scope: 'worker' }],
})

export { expect } from '@playwright/test'

import { defineConfig, devices } from '@playwright/test'
import type { Settings } from './browser/fixtures'

const chromium = process.env.CHROMIUM ?? '/usr/bin/chromium'
/** WebGL is drawn in software: there is no graphics card in a container. */
const drawing = ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader']
/** Letters and colours as on any machine, whatever its fontconfig and its screen are. */
const alike = ['--font-render-hinting=none', '--disable-lcd-text', '--force-color-profile=srgb', '--hide-scrollbars']

/** Stories of people who use the page, told to Debian's chromium over the running system. */
export default defineConfig<object, Settings>({
  testDir: 'browser',
  outputDir: 'browser/.results',
  reporter: 'list',
  workers: 2, // a system each
  retries: 0,
  forbidOnly: true,
  timeout: 90_000, // several times what a story takes on a quiet machine
  expect: { timeout: 15_000 },
  use: {
    actionTimeout: 15_000,
    ...devices['Desktop Chrome'],
    viewport: { width: 1280, height: 800 },
    locale: 'en-US',
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: chromium,
      args: drawing,
    },
  },
  projects: [
    { name: 'stories', testMatch: '*.spec.ts', testIgnore: 'shots.spec.ts' },
    {
      name: 'shots',
      testMatch: 'shots.spec.ts',
      snapshotPathTemplate: 'browser/shots/reference/{arg}{ext}',
      expect: { toHaveScreenshot: { maxDiffPixelRatio: 0.0004, timeout: 30_000 } },
      use: { timezoneId: 'Asia/Shanghai', launchOptions: { executablePath: chromium, args: [...drawing, ...alike] } },
    },
  ],
})

import zhCN from '../src/i18n/zh-CN'
import { expect, test, words } from './fixtures'
import { drawing } from './photos'

test.use({ hands: 'own' })

test('who asks for Chinese is spoken to in Chinese, everywhere', async ({ visitor, system, worker }) => {
  const page = await visitor({ locale: 'zh-CN' })
  const task = await system.order(await system.upload('drawing.png', drawing().buffer))
  await (await worker.job(task)).finish()
  const headlines = {
    '/': zhCN.pictures.title, '/app/tasks': zhCN.tasks.list, [`/app/tasks/${task}`]: zhCN.tasks.headline.COMPLETED, '/app/nowhere': zhCN.shell.notFound,
  }
  for (const [path, headline] of Object.entries(headlines)) {
    await page.goto(path)
    await expect(page.getByRole('heading', { level: 1, name: headline })).toBeVisible()
    await expect(page.locator('html')).toHaveAttribute('lang', 'zh-CN')
    // Names of files, formats and the other language's own name are no English.
    const english = /\b(the|your|is|are|and|to|of|model|picture|download|delete|task)\b/i
    await expect.poll(async () => english.exec(await page.locator('main').innerText())?.[0]?.toLowerCase() ?? '', { message: path })
      .toMatch(/^(model)?$/) // of model.glb
  }
})

test('a language that was chosen stays, over reloads and in other tabs', async ({ page }) => {
  await page.goto('/')
  await expect(page.getByRole('heading', { level: 1, name: words.pictures.title })).toBeVisible()
  await page.getByRole('button', { name: '简体中文' }).click()
  await expect(page.getByRole('heading', { level: 1, name: zhCN.pictures.title })).toBeVisible()
  await expect(page).toHaveTitle(new RegExp(zhCN.shell.pictures))
  await page.reload()
  await expect(page.getByRole('heading', { level: 1, name: zhCN.pictures.title })).toBeVisible()
  const other = await page.context().newPage()
  await other.goto('/app/tasks')
  await expect(other.getByRole('heading', { level: 1, name: zhCN.tasks.list })).toBeVisible()
  await other.getByRole('button', { name: 'English' }).click()
  await expect(other.getByRole('heading', { level: 1, name: words.tasks.list })).toBeVisible()
})

test('light and dark: as the system, as chosen, from the first paint', async ({ page, visitor }) => {
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g)!.slice(0, 3).map(Number).reduce((a, b) => a + b))
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.goto('/')
  await expect.poll(paper).toBeLessThan(200)
  await page.emulateMedia({ colorScheme: 'light' })
  await expect.poll(paper).toBeGreaterThan(600)

  const theme = page.getByRole('button', { name: words.shell.theme })
  await theme.click() // light
  await theme.click() // dark
  await expect(theme).toHaveAccessibleName(`${words.shell.theme}: ${words.shell.themeDark}`)
  await expect.poll(paper).toBeLessThan(200)
  await page.reload({ waitUntil: 'commit' })
  await expect.poll(() => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe('dark')
  await expect(theme).toHaveAccessibleName(`${words.shell.theme}: ${words.shell.themeDark}`)
  await expect.poll(paper).toBeLessThan(200)

  const stranger = await visitor({ colorScheme: 'light' })
  await stranger.goto('/')
  await expect(stranger.getByRole('button', { name: words.shell.theme })).toHaveAccessibleName(`${words.shell.theme}: ${words.shell.themeAuto}`)
})

import zhCN from '../src/i18n/zh-CN'
import { expect, test, words } from './fixtures'
import { taskOf } from './people'
import { drawing } from './photos'

const { tasks, failures } = words

test.use({ hands: 'own', env: { TASK_TIMEOUT: '4s', MAX_ATTEMPTS: '2' } })

test('a worker that says nothing more is given up, and the next try comes to a model', async ({ page, system, worker }) => {
  const task = await system.order(await system.upload('drawing.png', drawing().buffer))
  await page.goto(`/app/tasks/${task}`)
  await worker.job(task)
  await expect(page.getByRole('heading', { level: 1, name: tasks.headline.FAILED })).toBeVisible()
  await expect(page.getByText(failures.timeout)).toBeVisible()
  await page.getByRole('button', { name: '简体中文' }).click()
  await expect(page.getByText(zhCN.failures.timeout)).toBeVisible()
  await page.getByRole('button', { name: zhCN.tasks.again }).click()
  await expect(page).not.toHaveURL(new RegExp(task))
  await (await worker.job(taskOf(page))).finish()
  await expect(page.getByRole('heading', { level: 1, name: zhCN.tasks.headline.COMPLETED })).toBeVisible()
})

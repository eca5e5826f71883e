import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { payloads } from './payloads.js'
import { readStage } from './stage.js'

const yml = readFileSync(new URL('../../../serverless.yml', import.meta.url), 'utf8')
const stage = readStage(new URL('../env.example', import.meta.url))

/** The calls of a deployment of serverless.yml with one edit, of a stage with some variables otherwise. */
async function planted([before, after] = ['', ''], variables = {}) {
  assert.ok(yml.includes(before), `serverless.yml has no longer ${before}`)
  return payloads(yml.replace(before, after), { ...stage, ...variables })
}

const call = (calls, action, name) => calls.find(c => c.Action === action && c.FunctionName === `recon3d-prod-${name}`)
const environment = payload => Object.fromEntries(payload.Environment.Variables.map(({ Key, Value }) => [Key, Value]))

// What each trap looks like in the payload. The deployment goes through in every case: that is what makes them traps.

test('environment: {variables} is wiped', async () => {
  const { first } = await planted([
    'environments: # no Redis, no secrets\n        - {key: FUNCTION, value: web}\n',
    'environment: {variables: {FUNCTION: web}}\n      environmentz:\n',
  ])
  assert.deepEqual(call(first, 'CreateFunction', 'web').Environment, { Variables: [] })
})

test('a list of environments beside the functions reaches none of them', async () => {
  const { first } = await planted(['  runtime: Go1\n', '  runtime: Go1\n  environments: [{key: RETENTION, value: 24h}]\n'])
  assert.ok(first.filter(c => c.Action === 'CreateFunction').every(c => !('RETENTION' in environment(c))))
})

for (const [key, value, field, preset] of [
  ['timeout', 30, 'Timeout', 3],
  ['memorySize', 512, 'MemorySize', 128],
  ['role', 'r', 'Role', undefined],
]) {
  test(`${key} beside the functions reaches none of them`, async () => {
    const { first } = await planted(['  runtime: Go1\n', `  runtime: Go1\n  ${key}: ${value}\n`])
    const whole = call(first, 'CreateFunction', 'picture')
    const { first: without } = await payloads(
      yml.replace('  runtime: Go1\n', `  runtime: Go1\n  ${key}: ${value}\n`).replace(new RegExp(`\n      ${key}: .*`), ''), stage)
    assert.notEqual(whole[field], preset)
    assert.equal(call(without, 'CreateFunction', 'picture')[field], preset)
  })
}

test('a variable that is not set is the text "undefined"', async () => {
  const { first } = await planted(undefined, { JWT_ISSUER: undefined })
  assert.equal(environment(call(first, 'CreateFunction', 'tasks')).JWT_ISSUER, 'undefined')
})

test('a variable set to nothing is there, and empty', async () => {
  const { first } = await planted(undefined, { JWT_ISSUER: '' })
  assert.equal(environment(call(first, 'CreateFunction', 'tasks')).JWT_ISSUER, '')
})

test('a topic that is empty takes the logs away, one that is not set leaves them to the platform', async () => {
  const topic = ({ first }) => call(first, 'CreateFunction', 'tasks').ClsTopicId
  assert.equal(topic(await planted(undefined, { CLS_TOPIC: '' })), '')
  assert.equal(topic(await planted(undefined, { CLS_TOPIC: undefined })), undefined)
})

test('a function without a type is an event function', async () => {
  const { first } = await planted(['      type: web\n', ''])
  assert.equal(call(first, 'CreateFunction', 'picture').Type, 'Event')
})

test('a URL without enableExtranet can be reached from nowhere', async () => {
  const { first } = await planted(['netConfig: {enableExtranet: true, enableIntranet: false}', 'netConfig: {}'])
  assert.deepEqual(JSON.parse(call(first, 'CreateTrigger', 'web').TriggerDesc).NetConfig, { EnableIntranet: false, EnableExtranet: false })
})

test('a URL without a qualifier is not found by the next deployment, which fails', async () => {
  await assert.rejects(planted([/ +qualifier: .*\n/.exec(yml)[0], '']), /has a trigger of type http already/)
})

test('in a namespace of its own no trigger is set, and the deployment fails', async () => {
  await assert.rejects(planted(['namespace: default', 'namespace: recon3d']), /is not in default/)
})

test('a timer without enable is closed', async () => {
  const { first } = await planted(['year\n        enable: true\n', 'year\n'])
  assert.equal(call(first, 'CreateTrigger', 'sweeper').Enable, 'CLOSE')
})

test('instanceConcurrencyConfig of an event function is left out', async () => {
  const { first } = await planted([
    '      handler: sweeper\n', '      handler: sweeper\n      instanceConcurrencyConfig: {enable: true, maxConcurrency: 100}\n',
  ])
  assert.equal(call(first, 'CreateFunction', 'sweeper').InstanceConcurrencyConfig, undefined)
})

test('instanceConcurrencyConfig without maxConcurrency is 2', async () => {
  const { first } = await planted(['        maxConcurrency: 100\n', ''])
  assert.equal(call(first, 'CreateFunction', 'relay').InstanceConcurrencyConfig.MaxConcurrency, 2)
})

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import ts from 'typescript'

const { first, again } = JSON.parse(readFileSync(new URL('golden.json', import.meta.url)))
const folder = fileURLToPath(new URL('.', import.meta.url))

/**
 * What the toolkit sends and the vendor's documented API does not have. That they are taken is known only from the toolkit's use.
 * https://cloud.tencent.com/document/api/583/18586
 */
const undocumented = { CreateFunction: ['DeployMode', 'L5Enable', 'DiskSize'], UpdateFunctionConfiguration: ['DiskSize'] }

/** What the vendor's own types, of its current SDK, say of calls: unknown fields, missing ones, values of another type. */
function objections(calls) {
  const name = `${folder}payloads.ts`
  const source = [
    "import type * as api from 'tencentcloud-sdk-nodejs-scf/tencentcloud/services/scf/v20180416/scf_models'",
    ...calls.map(({ Action, Version: _, ...payload }, i) => {
      for (const field of undocumented[Action] ?? []) delete payload[field]
      return `export const call${i}: api.${Action}Request = ${JSON.stringify(payload)}`
    }),
  ].join('\n')
  const options = { strict: true, noEmit: true, skipLibCheck: true, types: [], moduleResolution: ts.ModuleResolutionKind.Node10 }
  const host = ts.createCompilerHost(options)
  const { getSourceFile } = host
  host.getSourceFile = (path, ...rest) =>
    path === name ? ts.createSourceFile(path, source, ts.ScriptTarget.ES2022) : getSourceFile(path, ...rest)
  return ts.getPreEmitDiagnostics(ts.createProgram([name], options, host)).map(d => ts.flattenDiagnosticMessageText(d.messageText, '\n'))
}

test('every call is one of the vendor\'s API, field by field', () => {
  assert.deepEqual(objections([...first, ...again]), [])
})

test('a call that is none is told', () => {
  const [create] = first
  const told = objections([{ ...create, Timeout: '30' }, { ...create, Memory: 128 }, { Action: 'CreateTrigger', FunctionName: 'f', Type: 'http' }])
  assert.match(told.join('\n'), /'string' is not assignable to type 'number'/)
  assert.match(told.join('\n'), /"Memory"' does not exist/)
  assert.match(told.join('\n'), /'TriggerName' is missing/)
})

test('what is undocumented is sent', () => {
  for (const [action, fields] of Object.entries(undocumented)) {
    for (const field of fields) assert.ok(first.concat(again).some(c => c.Action === action && field in c), `${action} has no ${field}: take it off the list`)
  }
})

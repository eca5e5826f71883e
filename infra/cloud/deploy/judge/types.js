// Reads calls as JSON, [{action, payload}], and prints what the vendor's own types say against them: a field that there is not, one that is
// missing, a value of another type. Prints nothing where there is nothing to say.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import ts from 'typescript'

const name = fileURLToPath(new URL('calls.ts', import.meta.url))
const source = [
  "import type * as api from 'tencentcloud-sdk-nodejs-scf/tencentcloud/services/scf/v20180416/scf_models'",
  ...JSON.parse(readFileSync(0)).map(({ action, payload }, i) => `export const call${i}: api.${action}Request = ${JSON.stringify(payload)}`),
].join('\n')
const options = { strict: true, noEmit: true, skipLibCheck: true, types: [], moduleResolution: ts.ModuleResolutionKind.Node10, ignoreDeprecations: '5.0' }
const host = ts.createCompilerHost(options)
const { getSourceFile } = host
host.getSourceFile = (path, ...rest) => path === name ? ts.createSourceFile(path, source, ts.ScriptTarget.ES2022) : getSourceFile(path, ...rest)
for (const d of ts.getPreEmitDiagnostics(ts.createProgram([name], options, host))) console.log(ts.flattenDiagnosticMessageText(d.messageText, '\n'))

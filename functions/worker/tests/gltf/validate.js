// `node validate.js FILE…` prints the validator's report of each file, a JSON document a line.
import { readFile } from 'node:fs/promises'
import validator from 'gltf-validator'

for (const file of process.argv.slice(2)) {
  const report = await validator.validateBytes(new Uint8Array(await readFile(file)), { maxIssues: 0 })
  console.log(JSON.stringify(report))
}

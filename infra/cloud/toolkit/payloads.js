import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { deploy } from './component.js'
import { Platform } from './platform.js'
import { readDeployment, readStage } from './stage.js'

const here = name => fileURLToPath(new URL(name, import.meta.url))

/** Every changing call of a first deployment of that serverless.yml, and of the same deployment once more. */
export async function payloads(text, stage) {
  const platform = new Platform()
  const calls = async () => {
    platform.calls = []
    await platform.during(() => deploy(readDeployment(text, stage)))
    return platform.calls
  }
  return { first: await calls(), again: await calls() }
}

/** The line at which two texts part, or 0. */
function differsAt(a, b) {
  if (a === b) return 0
  const [left, right] = [a.split('\n'), b.split('\n')]
  return left.findIndex((line, i) => line !== right[i]) + 1 || left.length + 1
}

async function main() {
  const { values: options } = parseArgs({
    options: {
      env: { type: 'string', default: here('../env.example') },
      yml: { type: 'string', default: here('../../../serverless.yml') },
      verify: { type: 'boolean' },
      update: { type: 'boolean' },
    },
  })
  const text = `${JSON.stringify(await payloads(readFileSync(options.yml, 'utf8'), readStage(options.env)), null, 2)}\n`
  const golden = here('golden.json')
  if (options.update) return writeFileSync(golden, text)
  if (!options.verify) return void process.stdout.write(text)
  const line = differsAt(text, readFileSync(golden, 'utf8'))
  if (line) {
    console.error(`infra/cloud/toolkit/golden.json:${line}: serverless.yml or the toolkit now makes other calls:\n`
      + `  ${text.split('\n')[line - 1]}\n`
      + 'Read them (npm run update, git diff) against the list in README.md, and commit them if they are meant.')
    process.exitCode = 1
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()

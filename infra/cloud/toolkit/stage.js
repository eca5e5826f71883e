import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'

import { parse } from 'yaml'

/** The variables of a stage's file: `NAME=value` lines. */
export function readStage(path) {
  return parseEnv(readFileSync(path, 'utf8'))
}

/**
 * A serverless.yml as the component gets it: `${env:NAME}` filled in by the CLI, `${name}`, `${stage}` and `${app}` by the engine after it.
 * A variable that is not set becomes undefined where it is the whole value, and the text "undefined" within one, as the CLI has it.
 */
export function readDeployment(text, stage) {
  const file = parse(text, { merge: true })
  const env = walk(file, (value) => {
    const whole = /^\$\{env:([\w.-]+)\}$/.exec(value)
    return whole ? stage[whole[1]] : value.replace(/\$\{env:([\w.-]+)\}/g, (_, name) => String(stage[name]))
  })
  const own = { name: env.name, stage: env.stage ?? 'dev', app: env.app ?? env.name }
  return walk(env, value => value.replace(/\$\{(name|stage|app)\}/g, (_, name) => own[name]))
}

/** A copy in which `change` was made to every text. */
function walk(node, change) {
  if (typeof node === 'string') return change(node)
  if (Array.isArray(node)) return node.map(item => walk(item, change))
  if (node === null || typeof node !== 'object') return node
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, walk(value, change)]))
}

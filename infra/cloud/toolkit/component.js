import toolkit from 'tencent-component-toolkit'

const { Scf, TriggerManager } = toolkit

/** What a function is where its entry and `inputs` say nothing. */
const presets = { type: 'event', namespace: 'default', runtime: 'Nodejs12.16', description: 'Created by Serverless' }

/**
 * Deploys a serverless.yml (with its variables filled in) as `component: multi-scf` does, by the very toolkit that it is made of.
 * See README.md for where its ways are known from.
 */
export async function deploy(file, { region = file.inputs.region } = {}) {
  const credentials = { SecretId: 'id', SecretKey: 'key', Token: 'token' }
  const functions = functionInputs(file)
  const scf = new Scf(credentials, region)
  for (const inputs of functions.values()) await scf.deploy(inputs)
  await new TriggerManager(credentials, region).bulkCreateTriggers(triggerInputs(file, functions))
}

/** The toolkit's inputs by the functions' keys in the file. Of what is common, four are handed on. */
function functionInputs({ inputs, name, stage, app }) {
  const common = Object.fromEntries(Object.entries(presets).map(([key, preset]) => [key, inputs[key] || preset]))
  const code = { bucket: `sls-cloudfunction-${inputs.region}-code`, object: `${name}-${stage}-${app}.zip` } // and a random part
  return new Map(Object.entries(inputs.functions).map(([key, own]) => {
    const { vpc, environments = [], tags = [], ...rest } = own
    const all = { ...common, name: `${name}-${stage}-${app}-${key}`, ...rest, code }
    if (vpc) all.vpcConfig = vpc
    if (Array.isArray(environments)) all.environment = { variables: dictionary(environments) } // whatever `environment` says
    if (Array.isArray(tags)) all.tags = dictionary(tags)
    return [key, all]
  }))
}

/** The namespace of a trigger is its function's; that in which the toolkit looks for what is there already is always `default`. */
function triggerInputs({ inputs }, functions) {
  return (inputs.triggers ?? []).map((trigger) => {
    const { name, type } = functions.get(trigger.function)
    return { ...structuredClone(trigger), namespace: inputs.namespace ?? 'default', function: { name, type } }
  })
}

const dictionary = list => Object.fromEntries(list.map(({ key, value }) => [key, value]))

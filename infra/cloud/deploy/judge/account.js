// An account at the vendor's: the domains and functions of SCF's API and the rules of one bucket, on a port that is printed. The vendor's
// own SDKs check each signature. What the API does where its documents say nothing is not imitated.
//
//   POST /judge {functions?, fault?: {at, code, message, times}, forget?: true}   sets the scene
//   GET  /judge                                                                    the calls since, and what there is

import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'

import COS from 'cos-nodejs-sdk-v5'

const Sign = createRequire(import.meta.url)('tencentcloud-sdk-nodejs-common/tencentcloud/common/sign').default

const { SECRET_ID: secretId, SECRET_KEY: secretKey } = process.env
const account = { functions: [], domains: {}, bucket: {} }
let calls = []
let fault

class Refused extends Error {
  constructor(code, message, status = 400) {
    super(message)
    Object.assign(this, { code, status })
  }
}

/** The fault that was ordered for this call, as often as it was ordered. */
function fail(at) {
  if (fault?.at !== at || fault.times-- <= 0) return
  throw new Refused(fault.code, fault.message ?? 'planted', fault.status)
}

/** TC3-HMAC-SHA256, as the vendor's Node SDK signs. */
function checkTC3({ method, headers }, body) {
  const timestamp = Number(headers['x-tc-timestamp'])
  if (Math.abs(Date.now() / 1000 - timestamp) > 300) throw new Refused('AuthFailure.SignatureExpire', 'too old')
  const expected = Sign.sign3({
    method, url: `https://${headers.host}/`, payload: body, timestamp, service: 'scf', secretId, secretKey,
    headers: { 'Content-Type': headers['content-type'] },
  })
  if (headers.authorization !== expected) throw new Refused('AuthFailure.SignatureFailure', 'The provided credentials could not be validated.')
}

const paths = /^\/(\*|[^/*]+(\/[^/*]+)*(\/\*)?)?$/

/** What the documents of CreateCustomDomain and UpdateCustomDomain ask for. */
function checkDomain(d) {
  if (!['HTTP', 'HTTPS', 'HTTP&HTTPS'].includes(d.Protocol)) throw new Refused('InvalidParameterValue', 'Protocol')
  if (d.Protocol !== 'HTTP' && !d.CertConfig?.CertificateId) throw new Refused('MissingParameter', 'CertConfig')
  if (!d.EndpointsConfig?.length) throw new Refused('MissingParameter', 'EndpointsConfig')
  for (const e of d.EndpointsConfig) {
    if (!paths.test(e.PathMatch) || !e.Qualifier || !e.Namespace) throw new Refused('InvalidParameterValue', `EndpointsConfig ${JSON.stringify(e)}`)
    if (!account.functions.some(f => f.FunctionName === e.FunctionName)) throw new Refused('ResourceNotFound.Function', e.FunctionName)
  }
  return d
}

const page = (list, { Offset = 0, Limit = 20 }) => list.slice(Offset, Offset + Limit)
const absent = d => new Refused('ResourceNotFound', `no domain ${d}`)

const actions = {
  ListFunctions: p => {
    const found = account.functions.filter(f => f.FunctionName.includes(p.SearchKey ?? ''))
    return { Functions: page(found, p), TotalCount: found.length }
  },
  ListCustomDomains: p => ({ Domains: page(Object.values(account.domains), p), Total: Object.keys(account.domains).length }),
  GetCustomDomain: ({ Domain }) => account.domains[Domain] ?? (() => { throw absent(Domain) })(),
  CreateCustomDomain: p => {
    if (account.domains[p.Domain]) throw new Refused('ResourceInUse', p.Domain)
    account.domains[p.Domain] = { WafConfig: { WafOpen: 'CLOSE', WafInstanceId: '' }, ...checkDomain(p) }
    // the platform tells them in an order of its own, with all its fields
    account.domains[p.Domain].EndpointsConfig = p.EndpointsConfig.map(e => ({ PathRewrite: [], ...e })).reverse()
  },
  UpdateCustomDomain: p => {
    if (!account.domains[p.Domain]) throw absent(p.Domain)
    account.domains[p.Domain] = checkDomain({ ...account.domains[p.Domain], ...p })
  },
  DeleteCustomDomain: ({ Domain }) => {
    if (!account.domains[Domain]) throw absent(Domain)
    delete account.domains[Domain]
  },
}

function platform(request, body, answer) {
  const action = request.headers['x-tc-action']
  let Response
  try {
    if (request.headers['x-tc-version'] !== '2018-04-16' || !actions[action]) throw new Refused('InvalidAction', action)
    checkTC3(request, body)
    fail(action)
    Response = actions[action](JSON.parse(body))
  } catch (err) {
    if (!(err instanceof Refused)) throw err
    Response = { Error: { Code: err.code, Message: err.message } }
  }
  calls.push({ action, payload: JSON.parse(body), refused: Response?.Error?.Code })
  answer.setHeader('Content-Type', 'application/json')
  answer.end(JSON.stringify({ Response: { ...Response, RequestId: `request-${calls.length}` } }))
}

/** COS's own signature, as the vendor's Node SDK signs. */
function checkCOS({ method, headers }, query) {
  const fields = Object.fromEntries((headers.authorization ?? '').split('&').map(pair => pair.split(/=(.*)/, 2)))
  const signed = (fields['q-header-list'] ?? '').split(';').filter(Boolean)
  const expected = COS.getAuthorization({
    SecretId: secretId, SecretKey: secretKey, KeyTime: fields['q-key-time'], Method: method, Pathname: '/', Query: query,
    Headers: Object.fromEntries(signed.map(name => [name, headers[name]])),
  })
  if (headers.authorization !== expected) throw new Refused('SignatureDoesNotMatch', `expected ${expected}`, 403)
}

const missing = { cors: 'NoSuchCORSConfiguration', lifecycle: 'NoSuchLifecycleConfiguration' }

function bucket(request, url, body, answer) {
  const { method, headers } = request
  const [what] = url.searchParams.keys()
  const at = `${method} ?${what}`
  try {
    if (!missing[what]) return answer.end() // an object, of no bytes
    checkCOS(request, { [what]: '' })
    fail(at)
    if (method === 'PUT') {
      const digest = createHash('md5').update(body).digest('base64')
      if (headers['content-md5'] !== digest) throw new Refused('InvalidDigest', 'Content-MD5 is required')
      account.bucket[what] = body.toString()
    }
    if (method === 'DELETE') delete account.bucket[what]
    if (method === 'GET' && !account.bucket[what]) throw new Refused(missing[what], 'none', 404)
    answer.setHeader('Content-Type', 'application/xml')
    if (method === 'GET') answer.write(account.bucket[what])
    if (method === 'DELETE') answer.statusCode = 204
    calls.push({ action: at })
  } catch (err) {
    if (!(err instanceof Refused)) throw err
    calls.push({ action: at, refused: err.code })
    answer.statusCode = err.status
    answer.write(`<Error><Code>${err.code}</Code><Message>${err.message}</Message><RequestId>request-${calls.length}</RequestId></Error>`)
  }
  answer.end()
}

function judge(request, body, answer) {
  if (request.method === 'POST') {
    const scene = JSON.parse(body)
    if (scene.functions) account.functions = scene.functions
    if (scene.fault) fault = scene.fault
    if (scene.forget) calls = []
  }
  answer.end(JSON.stringify({ calls, ...account }))
}

const server = createServer(async (request, answer) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const url = new URL(request.url, 'http://account')
  if (url.pathname === '/judge') return judge(request, body, answer)
  if (request.headers['x-tc-action']) return platform(request, body, answer)
  bucket(request, url, body, answer)
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.resume().on('end', () => process.exit()) // who started it is gone

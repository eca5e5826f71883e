import net from 'node:net'

import capi from '@tencent-sdk/capi'

/** Calls that only ask. */
const asks = /^(Get|List|Describe)/

/**
 * Stands in for the platform's API: nothing leaves the process. It remembers what was created, answers accordingly, and keeps in `calls`
 * every call that changes something, in order and as it was made, before it is signed.
 */
export class Platform {
  calls = []
  functions = new Map()
  triggers = []

  /** Runs `work` with this platform in place of the real one. */
  async during(work) {
    const { request } = capi.Capi.prototype
    const { connect } = net.Socket.prototype
    const { log } = console
    capi.Capi.prototype.request = async data => ({ Response: this.answer(structuredClone(data)) })
    net.Socket.prototype.connect = () => { throw new Error('the toolkit went past the stand-in to the network') }
    console.log = () => {} // the toolkit's progress
    try {
      return await work()
    } finally {
      capi.Capi.prototype.request = request
      net.Socket.prototype.connect = connect
      console.log = log
    }
  }

  answer({ Action, Version, ...payload }) {
    if (!asks.test(Action)) this.calls.push({ Action, Version, ...payload })
    const respond = this[Action]
    if (!respond) return failure('UnsupportedOperation', `the stand-in does not know ${Action}`)
    return { RequestId: '0', ...respond.call(this, payload) }
  }

  GetFunction({ FunctionName, Namespace }) {
    const found = this.functions.get(`${Namespace}/${FunctionName}`)
    return found ? { ...found, Status: 'Active', Qualifier: '$LATEST' } : failure('ResourceNotFound.Function', `${FunctionName} is not there`)
  }

  CreateFunction(payload) {
    this.functions.set(`${payload.Namespace}/${payload.FunctionName}`, payload)
  }

  UpdateFunctionCode() {}

  UpdateFunctionConfiguration({ FunctionName, Namespace, ...change }) {
    Object.assign(this.functions.get(`${Namespace}/${FunctionName}`), change)
  }

  DescribeResourceTagsByResourceIds() {
    return { Tags: [], TotalCount: 0 }
  }

  GetAlias() {
    return { Name: '$DEFAULT', FunctionVersion: '$LATEST' }
  }

  ListTriggers({ FunctionName, Namespace, Filters = [] }) {
    if (!this.functions.has(`${Namespace}/${FunctionName}`)) return failure('ResourceNotFound.Function', `${FunctionName} is not in ${Namespace}`)
    const matches = trigger => Filters.every(({ Name, Values }) => Values.includes(trigger[Name]))
    const Triggers = this.triggers.filter(t => t.FunctionName === FunctionName && t.Namespace === Namespace && matches(t))
    return { Triggers, TotalCount: Triggers.length }
  }

  /** As the platform tells of a trigger: `Enable` is a number, the description of a timer a document. */
  CreateTrigger(payload) {
    const there = this.triggers.some(t => t.FunctionName === payload.FunctionName && t.Namespace === payload.Namespace
      && t.Type === payload.Type && t.Qualifier === payload.Qualifier)
    if (there) return failure('ResourceInUse.Trigger', `${payload.FunctionName} has a trigger of type ${payload.Type} already`)
    const TriggerDesc = payload.Type === 'timer' ? JSON.stringify({ cron: payload.TriggerDesc }) : payload.TriggerDesc
    const trigger = { ...payload, TriggerDesc, Enable: payload.Enable === 'OPEN' ? 1 : 0 }
    this.triggers.push(trigger)
    return { TriggerInfo: trigger }
  }

  UpdateTrigger() {}

  DeleteTrigger({ FunctionName, Type, TriggerName }) {
    this.triggers = this.triggers.filter(t => t.FunctionName !== FunctionName || t.Type !== Type || t.TriggerName !== TriggerName)
  }
}

const failure = (Code, Message) => ({ Error: { Code, Message } })

import { ModelError } from './failure'
import type { SourceKind } from './source'

/** Refuses what is not what its name says, by its first bytes. */
export function expect(kind: SourceKind, bytes: Uint8Array): void {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 64))
  if (bytes.length === 0) throw new ModelError('truncated', 'no bytes')
  if (/^(?:\u00ef\u00bb\u00bf)?\s*<(?:!doctype|html|head|body|\?xml|!--)/i.test(head)) throw new ModelError('page')
  const is = kind === 'glb' ? head.startsWith('glTF') : /^PK(?:\x03\x04|\x05\x06)/.test(head)
  if (!is) throw new ModelError('format', `not a ${kind}`)
}

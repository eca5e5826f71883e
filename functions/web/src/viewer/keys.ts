export type Move =
  | { kind: 'orbit', right: number, up: number } // radians
  | { kind: 'pan', right: number, up: number } // pixels
  | { kind: 'zoom', by: number } // above 1 is nearer
  | { kind: 'reset' }

const ANGLE = Math.PI / 24
const STEP = 24

const arrows: Record<string, [right: number, up: number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }

/** What a key does to the view; null for one that is none of ours and goes on to the page. */
export function moveOf({ key, shiftKey, ctrlKey, metaKey, altKey }: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'>): Move | null {
  if (ctrlKey || metaKey || altKey) return null // the browser's own: zoom of the page, back, words
  const arrow = arrows[key]
  if (arrow) {
    const [right, up] = arrow
    return shiftKey ? { kind: 'pan', right: right * STEP, up: up * STEP } : { kind: 'orbit', right: right * ANGLE, up: up * ANGLE }
  }
  switch (key) {
    case '+': case '=': return { kind: 'zoom', by: 1.15 }
    case '-': case '_': return { kind: 'zoom', by: 1 / 1.15 }
    case '0': case 'Home': return { kind: 'reset' }
    default: return null
  }
}

export interface Paint { top: string, bottom: string }

/** The colours behind an element as they are at this moment, theme and all: those of its ::before, which the stylesheet sets. */
export function paintOf(element: Element): Paint {
  const style = getComputedStyle(element)
  return { top: style.borderTopColor, bottom: style.borderBottomColor }
}

export function save(file: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

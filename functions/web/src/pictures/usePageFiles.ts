import { useEventListener } from '@vueuse/core'
import { readonly, ref } from 'vue'

/**
 * Files that are dropped or pasted anywhere on the page. `over` while files are dragged above it. `take` is given an empty list
 * where something was dropped that holds no file: a link, say.
 */
export function usePageFiles(take: (files: File[]) => void) {
  const over = ref(false)
  /** Entering a child comes before leaving its parent: only when all that was entered is left, the page is. */
  let depth = 0

  function end() {
    depth = 0
    over.value = false
  }

  useEventListener(document, 'dragenter', (event) => {
    if (!carries(event)) return
    depth++
    over.value = true
  })
  useEventListener(document, 'dragleave', (event) => {
    if (!carries(event)) return
    depth = Math.max(0, depth - 1)
    if (depth === 0) over.value = false
  })
  useEventListener(document, 'dragover', (event) => {
    if (!carries(event) || !event.dataTransfer) return
    event.preventDefault() // a browser would open the file instead of the page
    event.dataTransfer.dropEffect = 'copy'
  })
  useEventListener(document, 'drop', (event) => {
    if (!carries(event) || !event.dataTransfer) return
    event.preventDefault()
    end()
    take([...event.dataTransfer.files])
  })
  useEventListener(document, 'paste', (event) => {
    if (event.target instanceof HTMLElement && event.target.closest('input, textarea, [contenteditable]')) return
    const files = [...event.clipboardData?.files ?? []]
    if (files.length === 0) return // text: not meant for this page
    event.preventDefault()
    take(files)
  })
  useEventListener(window, 'blur', end) // a drag that ends outside of the window tells nobody

  return { over: readonly(over) }
}

/** A file, or a link to one from another page. Text dragged within this page is none of it. */
function carries({ dataTransfer }: DragEvent): boolean {
  return ['Files', 'text/uri-list'].some(type => dataTransfer?.types.includes(type))
}

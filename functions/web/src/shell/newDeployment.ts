const KEY = 'recon3d.reloadedFor'

/**
 * A page that was opened before a deployment asks for scripts that are gone with it. When one can't be had and the server has another
 * page by now, this one is loaded anew: at most once for each page that the server has, so that nothing can make it a loop.
 */
export function followDeployments(reload: () => void = () => location.reload()): void {
  window.addEventListener('vite:preloadError', () => void outdated().then((is) => { if (is) reload() }))
}

async function outdated(): Promise<boolean> {
  const ours = document.querySelector<HTMLScriptElement>('script[type="module"][src]')?.getAttribute('src')
  const page = await fetch('/', { cache: 'no-store' }).then(answer => answer.ok ? answer.text() : '').catch(() => '')
  const theirs = entryOf(page)
  return Boolean(ours && theirs && ours !== theirs && remember(theirs))
}

/** The script that a page begins with; its name carries a hash of all that it leads to. */
export function entryOf(page: string): string | null {
  return /<script\b[^>]*\btype="module"[^>]*\bsrc="([^"]+)"/.exec(page)?.[1] ?? null
}

/** Whether this is the first time; a browser that keeps nothing could not tell, so there it never is. */
function remember(entry: string): boolean {
  try {
    if (sessionStorage.getItem(KEY) === entry) return false
    sessionStorage.setItem(KEY, entry)
    return true
  } catch {
    return false
  }
}

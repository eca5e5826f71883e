// Before anything is drawn; run by build/early.ts.
{
  // A page whose theme was chosen must not flash in the system's. See theme.ts.
  let language = null
  try {
    const theme = localStorage.getItem('recon3d.theme')
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
    language = localStorage.getItem('recon3d.language')
  } catch {
    // A browser that keeps nothing has no choice to keep.
  }

  // What this visit needs beyond the page's own scripts comes along with them, not after they have run. A guess that is wrong costs a
  // few kB and nothing else: routes and languages are chosen in router.ts and i18n.
  const { hints } = document.currentScript.dataset
  if (hints) {
    const known = JSON.parse(hints)
    const view = location.pathname === '/' ? 'pictures' : /^\/app\/tasks\/./.test(location.pathname) ? 'task' : 'tasks'
    language ??= navigator.languages.map(tag => /^(?:zh|en)\b/i.exec(tag)?.[0].toLowerCase()).find(Boolean) === 'zh' ? 'zh-CN' : 'en'
    for (const href of [...known[language] ?? [], ...known[view]]) {
      const what = href.endsWith('.css') ? { rel: 'preload', as: 'style' } : { rel: 'modulepreload' }
      document.head.append(Object.assign(document.createElement('link'), what, { crossOrigin: '', href }))
    }
  }
}

// Before anything is drawn: a page whose theme was chosen must not flash in the system's. See theme.ts; run by build/early.ts.
try {
  const theme = localStorage.getItem('recon3d.theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // A browser that keeps nothing has no choice to keep.
}

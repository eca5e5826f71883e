import { ref, watchEffect } from 'vue'

export const themes = ['auto', 'light', 'dark'] as const
export type Theme = typeof themes[number]

const KEY = 'recon3d.theme'

export const theme = ref<Theme>(stored())

/** Keeps the page's theme, the browser's own controls and its bar in step with `theme`. */
export function applyTheme(): void {
  watchEffect(() => {
    const root = document.documentElement
    if (theme.value === 'auto') delete root.dataset.theme
    else root.dataset.theme = theme.value
  })
}

export function setTheme(to: Theme): void {
  theme.value = to
  try {
    localStorage.setItem(KEY, to)
  } catch {
    // A browser that keeps nothing only forgets the choice.
  }
}

function stored(): Theme {
  try {
    return themes.find(known => known === localStorage.getItem(KEY)) ?? 'auto'
  } catch {
    return 'auto'
  }
}

import { readonly, ref } from 'vue'

const polite = ref('')
const assertive = ref('')

/** What the live regions in App.vue hold. */
export const announcements = { polite: readonly(polite), assertive: readonly(assertive) }

/** Has a screen reader say something that only shows on the page. `assertive` interrupts: for failures. */
export function announce(text: string, urgency: 'polite' | 'assertive' = 'polite'): void {
  const region = urgency === 'polite' ? polite : assertive
  // The same text twice is no change of the page: a no-break space makes it one.
  region.value = region.value === text ? `${text}\u00A0` : text
}

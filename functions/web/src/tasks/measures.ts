import type { Translate } from '@/i18n'

/** `48 s`, `3 min 5 s`, `1 h 20 min`: no more exact than anybody wants to know. */
export function duration(seconds: number, t: Translate): string {
  const whole = Math.max(0, Math.floor(seconds))
  const [h, min, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  if (h > 0) return t('tasks.hours', { h, min })
  return min > 0 ? t('tasks.minutes', { min, s }) : t('tasks.seconds', { s })
}

/** An estimate, rounded so that it does not claim to know: to 5 s, from a minute on to a quarter of one, then to minutes. */
export function estimate(seconds: number): number {
  const step = seconds < 60 ? 5 : seconds < 300 ? 15 : 60
  return Math.max(step, Math.round(seconds / step) * step)
}

const units: [Intl.RelativeTimeFormatUnit, number][] = [['day', 86_400], ['hour', 3600], ['minute', 60], ['second', 1]]

/** `just now`, `3 minutes ago`; the date where it is more than a week. A clock that runs behind makes nothing lie ahead. */
export function relative(at: string, now: number, locale: string, t: Translate): string {
  const seconds = Math.max(0, (now - Date.parse(at)) / 1000)
  if (seconds > 7 * 86_400) return new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(Date.parse(at))
  if (seconds < 10) return t('tasks.justNow')
  const [unit, size] = units.find(([, size]) => seconds >= size) ?? (['second', 1] as const)
  return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(0 - Math.floor(seconds / size), unit)
}

/** Of a file, in units of a thousand, as browsers and systems count: `523 kB`, `1.9 MB`. */
export function fileSize(bytes: number, locale: string): string {
  const [unit, size] = bytes < 999_500 ? (['kilobyte', 1e3] as const) : (['megabyte', 1e6] as const)
  const value = bytes / size
  return new Intl.NumberFormat(locale, { style: 'unit', unit, maximumFractionDigits: value < 10 ? 1 : 0 }).format(value)
}

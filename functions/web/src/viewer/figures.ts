import type { MessageKey, useText } from '@/i18n'
import type { Report } from './report'

export interface Figure { key: string, label: string, value: string, hint?: string, tone?: 'good' | 'warn' }

type Text = ReturnType<typeof useText>['t']

/** What the silhouette engine takes things for; another engine's words are shown as they are. */
const profiles: Record<string, MessageKey> = {
  round: 'viewer.profiles.round',
  soft_box: 'viewer.profiles.soft_box',
  flat: 'viewer.profiles.flat',
  revolution: 'viewer.profiles.revolution',
  vessel: 'viewer.profiles.vessel',
  box: 'viewer.profiles.box',
  prism: 'viewer.profiles.prism',
  torus: 'viewer.profiles.torus',
}

/** The report in words, most telling first; what it does not say is left out. */
export function figuresOf(report: Report, t: Text, locale: string): Figure[] {
  const { faces, watertight, silhouetteIoU, inventedShare, seconds, engine, version, profile } = report
  const number = (value: number, digits = 0) => new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value)
  const figures: Figure[] = []
  if (faces !== undefined) figures.push({ key: 'faces', label: t('viewer.faces'), value: number(faces) })
  if (watertight !== undefined) {
    figures.push(watertight
      ? { key: 'closed', label: t('viewer.closed'), value: t('viewer.closedYes'), hint: t('viewer.closedYesHint'), tone: 'good' }
      : { key: 'closed', label: t('viewer.closed'), value: t('viewer.closedNo'), hint: t('viewer.closedNoHint'), tone: 'warn' })
  }
  if (silhouetteIoU !== undefined) {
    figures.push({ key: 'outline', label: t('viewer.outline'), value: percent(silhouetteIoU, locale, 1), hint: t('viewer.outlineHint') })
  }
  if (inventedShare !== undefined) {
    figures.push({ key: 'invented', label: t('viewer.invented'), value: percent(inventedShare, locale), hint: t('viewer.inventedHint') })
  }
  if (seconds !== undefined) figures.push({ key: 'seconds', label: t('viewer.seconds'), value: t('viewer.secondsValue', { s: number(seconds, 1) }) })
  if (engine) {
    const key = profile !== undefined && Object.hasOwn(profiles, profile) ? profiles[profile] : undefined
    const taken = key ? t(key) : profile
    figures.push({ key: 'engine', label: t('viewer.engine'), value: [engine, version].filter(Boolean).join(' '), hint: taken && `${t('viewer.profile')} ${taken}` })
  }
  return figures
}

export function percent(share: number, locale: string, digits = 0): string {
  return new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: digits }).format(share)
}

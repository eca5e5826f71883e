/** `2.4 MB`, as the limits are told: in powers of 1024. */
export function megabytes(bytes: number, locale: string): string {
  const small = bytes < 1024 * 1024
  const value = small ? bytes / 1024 : bytes / 1024 / 1024
  const digits = value < 10 ? 1 : 0
  return `${new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value)} ${small ? 'kB' : 'MB'}`
}

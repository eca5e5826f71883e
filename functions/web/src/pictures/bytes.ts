/**
 * `2.4 MB`, as the limits are told: in powers of 1024. Both languages write such numbers alike, and a phone takes 20 ms for its first
 * Intl.NumberFormat.
 */
export function megabytes(bytes: number): string {
  const small = bytes < 1024 * 1024
  const value = small ? bytes / 1024 : bytes / 1024 / 1024
  return `${Number(value.toFixed(value < 10 ? 1 : 0))} ${small ? 'kB' : 'MB'}`
}

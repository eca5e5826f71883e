/** What an engine says of its own work. Engines differ, so that anything may be missing. */
export interface Report {
  engine?: string
  version?: string
  profile?: string
  vertices?: number
  faces?: number
  watertight?: boolean
  /** 0 to 1: how well the model's outline covers the photo's. */
  silhouetteIoU?: number
  /** 0 to 1, of the surface. */
  inventedShare?: number
  /** In all. */
  seconds?: number
}

/** Takes what is what it should be and leaves the rest. Throws where the text is no JSON object. */
export function parseReport(text: string): Report {
  const value: unknown = JSON.parse(text)
  if (!isRecord(value)) throw new TypeError('The report is no object.')
  return {
    engine: string(value.engine),
    version: string(value.version),
    profile: string(value.profile),
    vertices: number(value.vertices),
    faces: number(value.faces),
    watertight: typeof value.watertight === 'boolean' ? value.watertight : undefined,
    silhouetteIoU: share(value.silhouetteIoU),
    inventedShare: share(value.inventedShare),
    seconds: number(isRecord(value.seconds) ? value.seconds.total : value.seconds),
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function string(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 80) : undefined
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
}

function share(value: unknown): number | undefined {
  const stated = number(value)
  return stated !== undefined && stated <= 1 ? stated : undefined
}

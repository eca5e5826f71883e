import { gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

export interface Budget {
  name: string
  /** Bytes of gzipped script. */
  most: number
  /** Ends of module names. The chunks that hold them count, with all that these import. */
  modules: string[]
  /** Scripts of workers, which no chunk imports. */
  workers?: RegExp[]
  /** Modules whose chunks are there already. */
  beyond?: string[]
}

interface Chunk {
  type: 'chunk' | 'asset'
  imports?: string[]
  moduleIds?: string[]
  facadeModuleId?: string | null
  code?: string
  source?: string | Uint8Array
}
type Bundle = Record<string, Chunk>

/** Fails a build whose scripts have outgrown what a page may cost. */
export function budgets(all: Budget[]): Plugin {
  return {
    name: 'budgets',
    apply: 'build',
    writeBundle(_, bundle) {
      const costs = all.map(budget => ({ ...budget, bytes: cost(budget, bundle as unknown as Bundle) }))
      const over = costs.filter(({ bytes, most }) => bytes > most)
      if (over.length > 0) this.error(over.map(({ name, bytes, most }) => `${name}: ${kB(bytes)} of gzipped script, the budget is ${kB(most)}`).join('\n'))
    },
  }
}

/** What a budget's scripts cost, in bytes. One that names what is not there measures nothing, and throws. */
export function cost({ name, modules, workers = [], beyond = [] }: Budget, bundle: Bundle): number {
  const there = closure(beyond, name, bundle)
  const counted = [...closure(modules, name, bundle)].filter(file => !there.has(file))
  const working = workers.map(pattern => found(Object.keys(bundle).find(file => pattern.test(file)), `${pattern}`, name))
  return [...counted, ...working].reduce((sum, file) => sum + gzipSync(bundle[file]!.code ?? bundle[file]!.source!, { level: 9 }).length, 0)
}

function closure(modules: string[], name: string, bundle: Bundle): Set<string> {
  const files = new Set<string>()
  const add = (file: string) => {
    if (files.has(file)) return
    files.add(file)
    bundle[file]?.imports?.filter(other => other in bundle).forEach(add)
  }
  for (const module of modules) add(found(Object.keys(bundle).find(file => holds(bundle[file]!, module)), module, name))
  return files
}

const holds = ({ facadeModuleId, moduleIds = [] }: Chunk, module: string) => [facadeModuleId, ...moduleIds].some(id => id?.split('?')[0]!.endsWith(module))

function found(file: string | undefined, what: string, name: string): string {
  if (!file) throw new Error(`the budget "${name}" counts ${what}, and the build has none`)
  return file
}

const kB = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`

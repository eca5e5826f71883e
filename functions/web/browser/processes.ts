import { readdirSync, readFileSync } from 'node:fs'

/** The process of that program whose parent that is; undefined where there is none, or it has ended. See proc_pid_stat(5). */
export function childOf(parent: number, program: string): number | undefined {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const [, name, state, ppid] = /\((.*)\) (\S) (\d+)/s.exec(readFileSync(`/proc/${entry}/stat`, 'latin1')) ?? []
      if (name === program && state !== 'Z' && Number(ppid) === parent) return Number(entry)
    } catch {
      // ended between the two readings
    }
  }
  return undefined
}

/** Asks until there is an answer: for what is outside of a page, where nothing tells of itself. */
export async function until<T>(what: string, answer: () => T | undefined | Promise<T | undefined>, patience = 15_000): Promise<T> {
  for (const end = Date.now() + patience; Date.now() < end;) {
    const found = await answer()
    if (found !== undefined) return found
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  throw new Error(`not within ${patience / 1000} s: ${what}`)
}

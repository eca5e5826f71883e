import { defineStore } from 'pinia'
import { computed, ref, shallowReactive, shallowRef } from 'vue'
import * as api from '@/api/pictures'
import { asProblem, isAbort, type Problem } from '@/api/problem'
import type { Picture } from '@/api/schema'
import { useUndoable } from './undoable'

export const PAGE_SIZE = 20

/** How many files are sent at a time. */
const LANES = 2

export type UploadStatus = 'waiting' | 'sending' | 'checking' | 'done' | 'failed' | 'cancelled'

export interface Upload {
  /** Of this page, counting up. */
  key: number
  file: File
  /** An object URL, for as long as the upload is in the list. */
  preview: string
  status: UploadStatus
  /** 0 to 1, of the bytes sent; at 1 the server is checking them. */
  sent: number
  problem: Problem | null
  picture: Picture | null
}

/** The gallery, and what is on its way into it. */
export const usePictures = defineStore('pictures', () => {
  const items = shallowRef<Picture[]>([])
  const page = ref(1)
  const total = ref(0)
  const listed = ref(false)
  const loading = ref(false)
  const problem = shallowRef<Problem | null>(null)
  const pages = computed(() => Math.max(1, Math.ceil(total.value / PAGE_SIZE)))

  const undoable = useUndoable(api.deletePicture)
  const visible = computed(() => items.value.filter(({ id }) => !undoable.isGone(id)))
  let asking: AbortController | null = null

  /** A page of the gallery, from 1; the last one where there are fewer by now. Fails quietly into `problem`. */
  async function load(to = page.value): Promise<void> {
    asking?.abort()
    const { signal } = asking = new AbortController()
    loading.value = true
    try {
      const answer = await api.listPictures(to, PAGE_SIZE, signal)
      if (signal.aborted) return
      items.value = answer.items
      total.value = answer.total
      page.value = to
      listed.value = true
      problem.value = null
      if (answer.items.length === 0 && to > pages.value) await load(pages.value)
    } catch (thrown) {
      if (!isAbort(thrown)) problem.value = asProblem(thrown)
    } finally {
      if (!signal.aborted) loading.value = false
    }
  }

  /** Hides at once, deletes after the time to undo. */
  function remove(id: string): void {
    undoable.remove(id, () => {
      items.value = items.value.filter(picture => picture.id !== id)
      total.value = Math.max(0, total.value - 1)
      void load()
    })
  }

  const uploads = shallowRef<Upload[]>([])
  const stops = new Map<number, AbortController>()
  let keys = 0

  /** Puts a file into the queue; it is sent as soon as a lane is free. What it may be is for the caller to check. */
  function upload(file: File): Upload {
    const entry: Upload = shallowReactive({
      key: ++keys, file, preview: URL.createObjectURL(file), status: 'waiting', sent: 0, problem: null, picture: null,
    })
    uploads.value = [entry, ...uploads.value]
    next()
    return entry
  }

  function next(): void {
    const free = LANES - stops.size
    if (free <= 0) return
    uploads.value.filter(({ status }) => status === 'waiting').reverse().slice(0, free).forEach(entry => void send(entry))
  }

  async function send(entry: Upload): Promise<void> {
    const stop = new AbortController()
    stops.set(entry.key, stop)
    // Where the answer was lost and not the upload, the picture is there: sent again it would be there twice.
    const doubtful = entry.problem !== null && unanswered(entry.problem)
    Object.assign(entry, { status: 'sending', sent: 0, problem: null })
    try {
      const arrived = doubtful ? await api.findPicture(entry.file, stop.signal) : undefined
      entry.picture = arrived ?? await api.uploadPicture(entry.file, {
        signal: stop.signal,
        onProgress(share) { Object.assign(entry, { sent: share, status: share < 1 ? 'sending' : 'checking' }) },
      })
      entry.status = 'done'
      void load(1)
    } catch (thrown) {
      if (isAbort(thrown)) entry.status = 'cancelled'
      else Object.assign(entry, { status: 'failed', problem: asProblem(thrown) })
    } finally {
      stops.delete(entry.key)
      next()
    }
  }

  function cancel(key: number): void {
    const entry = uploads.value.find(upload => upload.key === key)
    if (entry?.status === 'waiting') entry.status = 'cancelled'
    stops.get(key)?.abort()
  }

  /** Sends again what has failed or was cancelled. */
  function retry(key: number): void {
    const entry = uploads.value.find(upload => upload.key === key)
    if (entry?.status !== 'failed' && entry?.status !== 'cancelled') return
    entry.status = 'waiting'
    next()
  }

  /** Takes an upload that is over, or is given up, off the list. */
  function dismiss(key: number): void {
    cancel(key)
    const entry = uploads.value.find(upload => upload.key === key)
    if (entry) URL.revokeObjectURL(entry.preview)
    uploads.value = uploads.value.filter(upload => upload.key !== key)
  }

  return {
    items: visible, page, pages, total, listed, loading, problem, load,
    removed: undoable.pending, removeProblem: undoable.problem, remove, undo: undoable.undo,
    uploads, upload, cancel, retry, dismiss,
  }
})

/** Whether what was asked for may have been done all the same. */
function unanswered({ status, code }: Problem): boolean {
  return status === 0 || status >= 500 || code === 'not_json'
}

import { asModelError, type ModelFailure } from './failure'
import { readObjArchive, type ObjArchive } from './objArchive'

/** Unpacks and parses beside the page, which goes on moving meanwhile: 100,000 faces take the better part of a second. */
export type Answer = { archive: ObjArchive } | { failure: ModelFailure, detail: string }

addEventListener('message', ({ data }: MessageEvent<Uint8Array>) => {
  try {
    const archive = readObjArchive(data)
    const arrays = archive.parts.flatMap(({ positions, normals, uvs, index }) => [positions, normals, index, ...(uvs ? [uvs] : [])])
    answer({ archive }, [...arrays, ...archive.images.values()].map(array => array.buffer as ArrayBuffer))
  } catch (thrown) {
    const { failure, message } = asModelError(thrown)
    answer({ failure, detail: message }, [])
  }
})

function answer(answer: Answer, transfer: ArrayBuffer[]): void {
  postMessage(answer, { transfer })
}

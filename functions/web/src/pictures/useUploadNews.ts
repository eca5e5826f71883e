import { ref, watchEffect } from 'vue'
import { useText } from '@/i18n'
import { describe } from '@/i18n/describe'
import { announce } from '@/shell/announce'
import { usePictures, type Upload, type UploadStatus } from '@/stores/pictures'

/** Says aloud how uploads go, and remembers which pictures are new on this page. */
export function useUploadNews() {
  const { t } = useText()
  const pictures = usePictures()
  const fresh = ref(new Set<string>())
  const told = new Map<number, UploadStatus>(pictures.uploads.map(({ key, status }) => [key, status]))

  watchEffect(() => {
    for (const upload of pictures.uploads) {
      const before = told.get(upload.key)
      if (before === upload.status) continue
      told.set(upload.key, upload.status)
      tell(upload)
    }
  })

  function tell({ status, file: { name }, picture, problem }: Upload) {
    if (status === 'sending') announce(t('pictures.uploading', { name }))
    if (status === 'failed' && problem) announce(t('pictures.notUploaded', { name, why: describe(problem, t) }), 'assertive')
    if (status === 'done' && picture) {
      fresh.value = new Set([...fresh.value, picture.id])
      announce(t('pictures.uploaded', { name }))
    }
  }

  return { fresh }
}

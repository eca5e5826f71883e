import { createPinia } from 'pinia'
import { createApp } from 'vue'
import '@/shell/styles/font.css'
import '@/shell/styles/tokens.css'
import '@/shell/styles/base.css'
import '@/shell/styles/element.css'
import { i18n, preferred, setLanguage } from '@/i18n'
import App from '@/shell/App.vue'
import { followDeployments } from '@/shell/newDeployment'
import { router } from '@/shell/router'
import { applyTheme } from '@/shell/theme'
import { toast } from '@/shell/toasts'

applyTheme()
followDeployments()

const app = createApp(App).use(createPinia()).use(i18n).use(router)

app.config.errorHandler = (error, _, where) => {
  console.error(where, error)
  toast(i18n.global.t('shell.broken'), { tone: 'bad' })
}

setLanguage(preferred(navigator.languages), { keep: false })
// The frame in a task of its own, then the view (router.ts): no long one in which the browser could do nothing else.
setTimeout(() => app.mount('#app'))

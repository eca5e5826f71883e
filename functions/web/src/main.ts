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

// Texts first: a page that is drawn without them would show keys.
void setLanguage(preferred(navigator.languages), { keep: false }).finally(() => app.mount('#app'))

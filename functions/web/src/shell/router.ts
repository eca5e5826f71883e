import { ref } from 'vue'
import { createRouter, createWebHistory, type RouteLocationNormalized } from 'vue-router'
import type { MessageKey } from '@/i18n'

declare module 'vue-router' {
  interface RouteMeta { title: MessageKey }
}

/** A view's script could not be had: no network, or the page was deployed anew and the old files are gone. */
export const loadFailed = ref(false)

export const router = createRouter({
  history: createWebHistory('/'),
  routes: [
    { path: '/', name: 'pictures', component: () => import('@/views/PictureView.vue'), meta: { title: 'shell.pictures' } },
    { path: '/app/tasks', name: 'tasks', component: () => import('@/views/TaskListView.vue'), meta: { title: 'shell.tasks' } },
    {
      path: '/app/tasks/:id', name: 'task', props: true,
      component: () => import('@/views/ReconstructionView.vue'), meta: { title: 'tasks.title' },
    },
    { path: '/app', redirect: '/' },
    { path: '/:rest(.*)*', name: 'nowhere', component: () => import('@/views/NotFoundView.vue'), meta: { title: 'shell.notFound' } },
  ],
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
})

router.onError((_, to) => {
  loadFailed.value = true
  router.options.history.replace(to.fullPath) // a reload goes on to where the person wanted to
})
router.afterEach((to: RouteLocationNormalized, from: RouteLocationNormalized, failure) => {
  if (failure) return
  loadFailed.value = false
  // A screen reader goes on from the new page's beginning. The first page is read from the top anyway.
  if (from.matched.length > 0 && to.path !== from.path) document.getElementById('content')?.focus({ preventScroll: true })
})

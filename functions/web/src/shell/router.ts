import { createRouter, createWebHistory, type RouteLocationNormalized } from 'vue-router'
import type { MessageKey } from '@/i18n'
import NotFoundView from '@/views/NotFoundView.vue'
import PictureView from '@/views/PictureView.vue'
import ReconstructionView from '@/views/ReconstructionView.vue'
import TaskListView from '@/views/TaskListView.vue'

declare module 'vue-router' {
  interface RouteMeta { title: MessageKey }
}

/** The views come with the page: together they are smaller than one more journey over a slow line is long. */
export const router = createRouter({
  history: createWebHistory('/'),
  routes: [
    { path: '/', name: 'pictures', component: PictureView, meta: { title: 'shell.pictures' } },
    { path: '/app/tasks', name: 'tasks', component: TaskListView, meta: { title: 'shell.tasks' } },
    { path: '/app/tasks/:id', name: 'task', props: true, component: ReconstructionView, meta: { title: 'tasks.title' } },
    { path: '/app', redirect: '/' },
    { path: '/:rest(.*)*', name: 'nowhere', component: NotFoundView, meta: { title: 'shell.notFound' } },
  ],
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
})

// The first view waits for the frame to be drawn: see main.ts.
router.beforeEach((_, from) => from.matched.length > 0 ? true : new Promise<true>(resolve => setTimeout(() => resolve(true))))
router.afterEach((to: RouteLocationNormalized, from: RouteLocationNormalized, failure) => {
  if (failure) return
  // A screen reader goes on from the new page's beginning. The first page is read from the top anyway.
  if (from.matched.length > 0 && to.path !== from.path) document.getElementById('content')?.focus({ preventScroll: true })
})

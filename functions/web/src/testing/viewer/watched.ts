/**
 * Counts what WebGL was asked to make and to free, in all contexts of a worker, at WebGL itself: three.js's own books (`renderer.info`)
 * would be its own witness. Contexts are held by weak references, as a browser holds a canvas. Sent to the browser as its source text:
 * it refers to nothing outside of itself.
 */
export function watched() {
  const alive = { Buffer: 0, Texture: 0, Program: 0, VertexArray: 0, Framebuffer: 0, Renderbuffer: 0 }
  const contexts: WeakRef<WebGL2RenderingContext>[] = []
  const draws = { count: 0 }

  const prototype = WebGL2RenderingContext.prototype as unknown as Record<string, (...args: unknown[]) => unknown>
  for (const kind of Object.keys(alive) as (keyof typeof alive)[]) {
    wrap(`create${kind}`, () => { alive[kind]++ })
    wrap(`delete${kind}`, (thing) => { if (thing) alive[kind]-- })
  }
  for (const draw of ['drawElements', 'drawArrays']) wrap(draw, () => { draws.count++ })

  const getContext = OffscreenCanvas.prototype.getContext
  OffscreenCanvas.prototype.getContext = function (this: OffscreenCanvas, ...args: Parameters<typeof getContext>) {
    const context = getContext.apply(this, args)
    if (context instanceof WebGL2RenderingContext && !contexts.some(known => known.deref() === context)) contexts.push(new WeakRef(context))
    return context
  } as typeof getContext

  function wrap(name: string, see: (argument: unknown) => void): void {
    const real = prototype[name]!
    prototype[name] = function (...args) {
      see(args[0])
      return real.apply(this, args)
    }
  }

  const last = () => contexts.findLast(known => known.deref()?.isContextLost() === false)?.deref()
  let loser: WEBGL_lose_context | null = null

  return {
    alive,
    draws,
    lose: () => { loser = last()?.getExtension('WEBGL_lose_context') ?? null; loser?.loseContext() },
    restore: () => loser?.restoreContext(),
    /** Contexts that still hold the GPU. */
    contexts: () => contexts.filter(known => known.deref()?.isContextLost() === false).length,
  }
}

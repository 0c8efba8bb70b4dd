/**
 * Makes a function that runs `draw` at the next frame, once however often it was called before: thousands of
 * notifications a second cost one drawing a frame, and none while the tab is hidden.
 */
export function eachFrame(draw: () => void): () => void {
  let asked = false
  return () => {
    if (asked) return
    asked = true
    requestAnimationFrame(() => {
      asked = false
      draw()
    })
  }
}

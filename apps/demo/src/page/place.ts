/**
 * Makes `children` the children of `parent`, in this order. Moves only those that are out of place, because a move
 * loses the scroll position; a focus that a move takes away is given back.
 */
export function place(parent: HTMLElement, children: HTMLElement[]): void {
  const focused = document.activeElement
  for (const child of Array.from(parent.children)) {
    if (!children.includes(child as HTMLElement)) child.remove()
  }
  children.forEach((child, index) => {
    const there = parent.children[index] ?? null
    if (there !== child) parent.insertBefore(child, there)
  })
  if (focused instanceof HTMLElement && focused !== document.activeElement && parent.contains(focused))
    focused.focus({ preventScroll: true })
}

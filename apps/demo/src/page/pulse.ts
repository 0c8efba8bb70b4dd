const wantsLessMotion = matchMedia('(prefers-reduced-motion: reduce)')

/** Lights a mark up and lets it fade: something has just arrived. Does nothing for a person who wants less motion. */
export function pulse(mark: HTMLElement): void {
  if (wantsLessMotion.matches) return
  mark.animate([{ opacity: 1 }, { opacity: 0.15 }], { duration: 900, fill: 'forwards', easing: 'ease-out' })
}

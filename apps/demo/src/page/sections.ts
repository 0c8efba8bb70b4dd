import { byId } from './element.ts'

/** On a phone one section is shown at a time; the bar at the bottom chooses which. Wider windows show them all. */
export function followSectionBar(): void {
  const buttons = [...byId('section-bar').querySelectorAll('button')]
  const choose = (chosen: HTMLButtonElement) => {
    for (const button of buttons) {
      const isChosen = button === chosen
      button.setAttribute('aria-current', String(isChosen))
      byId(button.dataset.section ?? '').classList.toggle('chosen', isChosen)
    }
    scrollTo({ top: 0 })
  }
  for (const button of buttons) button.addEventListener('click', () => choose(button))
}

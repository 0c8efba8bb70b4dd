import { median } from '../../statistics.ts'

/** Figures of two configurations that were measured by turns: the medians, and the median of the ratios. */
export interface Compared {
  subject: number
  beside: number
  ratio: number
}

/** Measures two configurations by turns, since a machine is not equally fast at all times. */
export async function inTurns(
  turns: number,
  subject: () => Promise<number>,
  beside: () => Promise<number>,
): Promise<Compared> {
  const figures: { subject: number; beside: number }[] = []
  for (let turn = 0; turn < turns; turn++) {
    // Who comes first changes, so that a machine that grows slower is nobody's loss.
    if (turn % 2 === 0) figures.push({ subject: await subject(), beside: await beside() })
    else {
      const ofBeside = await beside()
      figures.push({ subject: await subject(), beside: ofBeside })
    }
  }
  return {
    subject: median(figures.map((each) => each.subject)),
    beside: median(figures.map((each) => each.beside)),
    ratio: median(figures.map((each) => each.subject / each.beside)),
  }
}

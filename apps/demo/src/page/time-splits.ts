const steps = [2, 5, 10, 20, 30, 60]

/** Where a time axis of `span` seconds is labelled, in seconds ago: round numbers, one or two, away from its ends. */
export function timeSplits(span: number): number[] {
  const step = steps.find((seconds) => span / seconds < 3) ?? 60
  return [2 * step, step].filter((ago) => ago < span * 0.85)
}

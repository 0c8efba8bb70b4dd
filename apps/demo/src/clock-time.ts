const format = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
})

/** A time of day to the millisecond, as in 14:03:22.418. */
export function clockTime(at: Date): string {
  return format.format(at)
}

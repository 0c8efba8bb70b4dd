/** Throws what is wrong unless the condition holds. */
export function check(condition: boolean, wrong: string): void {
  if (!condition) throw new Error(wrong)
}

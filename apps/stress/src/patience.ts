/** How long a scenario waits for what must come, in milliseconds: nothing that comes before is said to be too slow. */
export const patienceMs = 120_000

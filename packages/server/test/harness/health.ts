import { until } from '@tidings/testkit/until'

/** What `/health` of the server says. */
export async function health(url: string): Promise<any> {
  return (await fetch(`${url}/health`)).json()
}

/** Resolves when `/health` of the server says what is waited for. */
export async function untilHealth(url: string, says: (health: any) => boolean): Promise<void> {
  let last: unknown
  await until(
    async () => says((last = await health(url))),
    () => `/health says ${JSON.stringify(last)}`,
  )
}

import { readFile } from 'node:fs/promises'
import { limits } from './limits.ts'
import { cellsOf } from './matrix.ts'
import * as peers from './peers.ts'

test('a limit is of a cell that there is', () => {
  const { ourClient, ourClientByTransport, ourServer, officialServers, otherServers, theirClients } = peers
  const cells = [
    ...cellsOf([...ourClientByTransport, ourClient, ...theirClients], [ourServer]),
    ...cellsOf([ourClient], [...officialServers, ...otherServers]),
  ].map(({ cell }) => cell)
  expect(cells).toEqual(expect.arrayContaining(limits.map(({ cell }) => cell)))
})

test('PROTOCOL.md lists the limits', async () => {
  const document = await readFile(new URL('../../../PROTOCOL.md', import.meta.url), 'utf8')
  const [, section = ''] = document.split(/^## Peers$/m)
  const [table = ''] = section.split(/^## /m)
  const rows = table
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((column) => column.trim()),
    )
  expect(rows).toEqual(limits.map(({ cell, why, source }) => [cell, why, source]))
})

import * as official1Client from './clients/official-1.ts'
import * as official2Client from './clients/official-2.ts'
import { tidings } from './clients/tidings.ts'
import type { ClientKind } from './peer-client.ts'
import type { ServerKind } from './peer-server.ts'
import { everythingSse, everythingStreamable } from './servers/everything.ts'
import { fastmcp } from './servers/fastmcp.ts'
import * as official1Server from './servers/official-1.ts'
import * as official2Server from './servers/official-2.ts'
import { tidings as tidingsServer } from './servers/tidings.ts'

export const ourServer: ServerKind = tidingsServer

/** Our client, by each transport of our server. */
export const ourClientByTransport: ClientKind[] = [
  tidings('http+sse'),
  tidings('paired'),
  tidings('streamable-http'),
  tidings('stateless'),
]

/** Our client, left to find out how a server is spoken to. */
export const ourClient: ClientKind = tidings()

export const theirClients: ClientKind[] = [
  official1Client.official1Sse,
  official1Client.official1Streamable,
  official2Client.official2Legacy,
  official2Client.official2Modern,
]

export const officialServers: ServerKind[] = [
  official1Server.official1Sse,
  official1Server.official1Streamable,
  official2Server.official2Modern,
  official2Server.official2Sessionful,
]

export const otherServers: ServerKind[] = [everythingSse, everythingStreamable, fastmcp]

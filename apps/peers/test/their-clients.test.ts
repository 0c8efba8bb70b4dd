import { testMatrix } from './matrix.ts'
import { ourServer, theirClients } from './peers.ts'

testMatrix(theirClients, [ourServer])

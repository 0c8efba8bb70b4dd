import { testMatrix } from './matrix.ts'
import { ourClient, ourClientByTransport, ourServer } from './peers.ts'

testMatrix([...ourClientByTransport, ourClient], [ourServer])

import { testMatrix } from './matrix.ts'
import { officialServers, ourClient } from './peers.ts'

testMatrix([ourClient], officialServers)

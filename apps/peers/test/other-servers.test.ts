import { testMatrix } from './matrix.ts'
import { otherServers, ourClient } from './peers.ts'

testMatrix([ourClient], otherServers)

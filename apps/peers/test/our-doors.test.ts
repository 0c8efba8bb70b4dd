import { testMatrix } from './matrix.ts'
import { ourClient, ourClientByDoor, ourServer } from './peers.ts'

testMatrix([...ourClientByDoor, ourClient], [ourServer])

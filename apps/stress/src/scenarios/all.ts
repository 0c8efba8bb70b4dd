import type { Scenario } from '../scenario.ts'
import { abandonWithoutDelete } from './abandon-without-delete.ts'
import { everythingAtOnce } from './everything-at-once.ts'
import { halfOpenPeers } from './half-open-peers.ts'
import { noLeaksAtTheEnd } from './no-leaks-at-the-end.ts'
import { postFlood } from './post-flood.ts'
import { publishWhileResuming } from './publish-while-resuming.ts'
import { recoveryStorm } from './recovery-storm.ts'
import { serverRestart } from './server-restart.ts'
import { sigtermUnderLoad } from './sigterm-under-load.ts'
import { slowReadersAmongFast } from './slow-readers-among-fast.ts'

/** Every scenario, in the order they are run. */
export const scenarios: readonly Scenario[] = [
  slowReadersAmongFast,
  recoveryStorm,
  abandonWithoutDelete,
  postFlood,
  publishWhileResuming,
  halfOpenPeers,
  serverRestart,
  sigtermUnderLoad,
  everythingAtOnce,
  // Last: it looks at what the others have left behind.
  noLeaksAtTheEnd,
]

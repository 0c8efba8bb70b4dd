import { once } from 'node:events'
import { lstat, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import type { Logger } from '../../logger.ts'

/**
 * Removes the file of a UNIX socket on which nobody listens any more: its process has ended without closing it. Another file is
 * left alone, and so is a socket that is in use: to listen there is then `EADDRINUSE`.
 */
export async function removeStaleSocket(path: string, logger: Logger): Promise<void> {
  const file = await lstat(path).catch(() => undefined)
  if (file?.isSocket() !== true || (await isInUse(path))) return
  await unlink(path)
  logger.warn({ path }, 'a socket file that a process has left behind is replaced')
}

async function isInUse(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ECONNREFUSED'
  } finally {
    socket.destroy()
  }
}

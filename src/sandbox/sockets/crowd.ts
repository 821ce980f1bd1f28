/** All connections of a module together, those that wait to be accepted among them: there is an end to them. */
import type { Socket } from 'node:net'

export const MAX_SOCKETS = 1024

export interface Crowd {
  /** @returns false when there are enough; then the connection is not counted, and not to be kept */
  join(socket: Socket): boolean
  /** Called whenever any socket may have something to tell. */
  changed(): void
}

export function openCrowd(changed: () => void): Crowd {
  let count = 0
  return {
    join: (socket) => {
      if (count >= MAX_SOCKETS) return false
      count += 1
      socket.once('close', () => {
        count -= 1
      })
      return true
    },
    changed,
  }
}

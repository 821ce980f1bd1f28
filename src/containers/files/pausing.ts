/** Work while a container stands still; it goes on afterwards, also when this command is killed. */
import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { callBack } from '../../linux/call-back.ts'
import { nativeProgram, packageRoot } from '../../package-root.ts'
import { isDiskFull } from '../../state/disk-full.ts'
import { ContainerNotFound, ContainerNotRunning, ContainerPaused } from '../errors.ts'
import { isRootless } from '../host.ts'
import { pauseContainer, unpauseContainer } from '../pause.ts'
import type { ContainerRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'

export interface Pausing {
  /** undefined: where the host lets containers be paused */
  readonly pause: boolean | undefined
  readonly work: () => Promise<void>
}

export async function pausing(
  room: ContainerRoom,
  { id, state }: Pick<ContainerRecord, 'id' | 'state'>,
  { pause = !isRootless(), work }: Pausing,
): Promise<void> {
  if (!pause || state !== 'running') return work()
  const guard = openGuard(room, id)
  let stands = false
  try {
    await pauseContainer(room, id)
    stands = true
    try {
      await work()
    } finally {
      await goOn(room, id)
      stands = false
    }
  } finally {
    // Where it could not go on now, the guard tries again when this command has ended.
    if (stands) guard.leave()
    else guard.dismiss()
  }
}

const ATTEMPTS = 20
const PAUSE_MS = 50

/** It may have been killed, or told to go on, by somebody else meanwhile. */
async function goOn(room: ContainerRoom, id: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await unpauseContainer(room, id)
    } catch (error) {
      if (
        error instanceof ContainerNotRunning ||
        error instanceof ContainerNotFound ||
        error instanceof ContainerPaused
      )
        return
      // What filled the disk, and failed for it, is just being removed again.
      if (!isDiskFull(error) || attempt === ATTEMPTS) throw error
    }
    await sleep(PAUSE_MS)
  }
}

/** A process that outlives this one, and lets the container go on if this one ends without a word. */
function openGuard({ paths }: ContainerRoom, id: string): { dismiss(): void; leave(): void } {
  const { env } = callBack(paths, [])
  const program = join(packageRoot, 'bin', 'coracle')
  const guard = spawn(nativeProgram, ['hold', 'then', program, 'unpause', id], {
    detached: true, // what ends this command must not end it
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    env: Object.fromEntries(
      env.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
    ),
  })
  guard.on('error', () => {}) // without it the container would have to be unpaused by hand after a kill, no more
  guard.stdin.on('error', () => {})
  return {
    dismiss: () => {
      guard.stdin.end('.')
      guard.unref()
    },
    leave: () => {
      guard.unref()
      ;(guard.stdin as Socket).unref()
    },
  }
}

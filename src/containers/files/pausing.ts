/** Work while a container stands still; it goes on afterwards, also when this command is killed. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { nativeProgram, packageRoot } from '../../package-root.ts'
import { callBack } from '../call-back.ts'
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
  try {
    await pauseContainer(room, id)
    try {
      await work()
    } finally {
      await goOn(room, id)
    }
  } finally {
    guard.dismiss()
  }
}

/** It may have been killed, or told to go on, by somebody else meanwhile. */
async function goOn(room: ContainerRoom, id: string): Promise<void> {
  try {
    await unpauseContainer(room, id)
  } catch (error) {
    const over = error instanceof ContainerNotRunning || error instanceof ContainerNotFound
    if (!over && !(error instanceof ContainerPaused)) throw error
  }
}

/** A process that outlives this one, and lets the container go on if this one ends without a word. */
function openGuard({ paths }: ContainerRoom, id: string): { dismiss(): void } {
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
  }
}

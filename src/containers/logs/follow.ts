/** Wakes a reader when its log grows, and tells it when nothing more can come. */
import { dirname } from 'node:path'
import { connectSupervisor } from '../../linux/supervisor-client.ts'
import { containerRunDirectory } from '../../paths.ts'
import { watchPath } from '../../util/watch.ts'
import { isActive } from '../lifecycle.ts'
import { reconcile } from '../reconcile.ts'
import { type ContainerRecord, readRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'

/** Where a change is not announced (a network file system), it is seen so much later. */
const POLL_MS = 250

export interface Growth {
  /** Resolves when there may be more, or the container has ended. */
  next(): Promise<void>
  /** Nothing is written any more: what is read from now on is the rest. */
  readonly over: boolean
  close(): void
}

/** @param path - of the log; its directory is watched, because rotation makes new files */
export async function followGrowth(
  room: ContainerRoom,
  record: ContainerRecord,
  { path, signal }: { readonly path: string; readonly signal: AbortSignal | undefined },
): Promise<Growth> {
  let over = !isActive(record.state)
  let changed = true
  let wake = () => {}
  const notice = () => {
    changed = true
    wake()
  }
  const finish = () => {
    over = true
    notice()
  }
  const supervisor = over ? undefined : await connectSupervisor(containerRunDirectory(room.paths, record.id))
  supervisor?.wait().then(finish, finish)
  signal?.addEventListener('abort', finish, { once: true })
  const watcher = watchPath(dirname(path), notice)
  return {
    get over() {
      return over
    },
    next: async () => {
      while (!changed) {
        const { promise, resolve } = Promise.withResolvers<void>()
        wake = resolve
        const timer = setTimeout(resolve, POLL_MS)
        await promise
        clearTimeout(timer)
        if (!changed && supervisor === undefined && !(await stillRuns(room, record))) finish()
        changed = true
      }
      changed = false
    },
    close: () => {
      watcher.close()
      supervisor?.close()
      signal?.removeEventListener('abort', finish)
    },
  }
}

/** For a container whose run directory has vanished. */
async function stillRuns(room: ContainerRoom, { id, supervisor }: ContainerRecord): Promise<boolean> {
  const stored = readRecord(room.database, id)
  const now = stored && (await reconcile(room, stored))
  return now !== undefined && isActive(now.state) && now.supervisor?.pid === supervisor?.pid
}

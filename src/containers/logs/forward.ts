/**
 * `--log-driver NAME` of a plugin: a process beside the container reads its log file and hands every line to the driver.
 * The container never waits for it: what a driver is slow to take is in the file, as long as that is kept.
 */
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogDriver } from '../../plugins/drivers.ts'
import { openLogDriver } from '../../plugins/npm/drivers.ts'
import { thisProcess } from '../../state/lock.ts'
import { readJson, replaceJson } from '../../util/json-file.ts'
import { isAlive, type ProcessIdentity } from '../../util/process-identity.ts'
import { watchPath } from '../../util/watch.ts'
import { ContainerNotFound } from '../errors.ts'
import { logContainerEvent } from '../events.ts'
import { isActive } from '../lifecycle.ts'
import { type ContainerRecord, readRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import { LogLines } from './lines.ts'
import { logPath } from './path.ts'

const POLL_MS = 500
/** How long a driver may take for one line. */
const WRITE_TIMEOUT_MS = 30_000
/** How long the forwarder of an earlier run may take for what is left of it. */
const PATIENCE_MS = 10_000

/**
 * Runs until the container has ended and all of its log is told.
 *
 * @param ready - called once whatever is written from now on will be seen
 * @throws {PluginFailed} the driver refuses the container
 */
export async function forwardLogs(room: ContainerRoom, id: string, ready: () => void): Promise<void> {
  const record = readRecord(room.database, id)
  const path = record && logPath(room.paths, record)
  if (record === undefined || path === undefined) throw new ContainerNotFound(id)
  const mark = join(dirname(path), 'log-driver.json')
  await takeOver(mark)
  const { Type, Config } = record.settings.host.LogConfig
  const driver = await openLogDriver(room.paths, Type, {
    id,
    name: record.name,
    image: record.imageName,
    options: Config,
  })
  const lines = await LogLines.open(path, 0)
  replaceJson(mark, thisProcess())
  ready()
  const growth = watchGrowth(path)
  try {
    await forwardAll(room, record, { driver, lines, growth })
    await inTime(driver.close())
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    logContainerEvent(room.database, id, 'log_failed', { driver: Type, reason })
  } finally {
    growth.close()
    await lines.close()
  }
}

/** Two would tell the same twice. */
async function takeOver(mark: string): Promise<void> {
  const earlier = readJson(mark) as ProcessIdentity | undefined
  if (earlier === undefined || !isAlive(earlier)) return
  process.kill(earlier.pid, 'SIGTERM')
  for (const deadline = Date.now() + PATIENCE_MS; isAlive(earlier) && Date.now() < deadline; ) await sleep(20)
  if (isAlive(earlier)) process.kill(earlier.pid, 'SIGKILL')
}

interface Growth {
  /** Somebody wants the rest, and no more. */
  readonly over: boolean
  next(): Promise<void>
  close(): void
}

function watchGrowth(path: string): Growth {
  let over = false
  let wake = () => {}
  const finish = () => {
    over = true
    wake()
  }
  process.once('SIGTERM', finish)
  const watcher = watchPath(dirname(path), () => wake())
  return {
    get over() {
      return over
    },
    next: async () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, POLL_MS)
      wake = resolve
      await promise
      clearTimeout(timer)
    },
    close: () => {
      watcher.close()
      process.off('SIGTERM', finish)
    },
  }
}

async function forwardAll(
  room: ContainerRoom,
  { id }: ContainerRecord,
  { driver, lines, growth }: { readonly driver: LogDriver; readonly lines: LogLines; readonly growth: Growth },
): Promise<void> {
  for (;;) {
    const now = readRecord(room.database, id)
    const last = growth.over || now === undefined || hasEnded(now) // looked at first: what came until then is read
    for await (const line of lines.read()) await inTime(driver.write(line))
    if (last) return
    await growth.next()
  }
}

/** Or nobody is left who could bring it further: its record is out of date. */
function hasEnded({ state, owner, supervisor }: ContainerRecord): boolean {
  if (!isActive(state)) return true
  const holder = state === 'starting' ? owner : supervisor
  return holder !== undefined && !isAlive(holder)
}

async function inTime(work: Promise<void> | void): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  const late = new Error(`the log driver has not answered within ${WRITE_TIMEOUT_MS / 1000} s`)
  const timer = setTimeout(() => reject(late), WRITE_TIMEOUT_MS)
  try {
    await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}

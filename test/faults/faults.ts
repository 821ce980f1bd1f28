/** What goes wrong meanwhile. */
import { spawnSync } from 'node:child_process'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { areAtOdds, type Operation } from './operations.ts'
import type { Random } from './random.ts'
import { firstProcesses, kill, killEverything, type Outcome, supervisorsOf, type World } from './world.ts'

export interface Blow {
  readonly random: Random
  readonly world: World
  readonly operation: Operation
  /** For two at once. */
  readonly second: Operation
}

export interface Fault {
  readonly kind: string
  readonly weight: number
  /** Runs the operation, spoils it, and returns what its commands said. */
  readonly run: (blow: Blow) => Promise<readonly Outcome[]>
}

/** As long as the operation takes, about. */
const longestDelayMs = ({ kind }: Operation) => (kind === 'build' ? 900 : 150)
const DAY_MS = 86_400_000
const clockJump = join(import.meta.dirname, 'clock-jump.ts')

/** Starts the operation; does `harm` after a random moment, or right after a random one of its first steps. */
async function during(
  { random, world, operation }: Blow,
  harm: () => Promise<void> | void,
): Promise<readonly Outcome[]> {
  const delayMs = random.below(longestDelayMs(operation))
  const { outcome } = world.start(operation.args)
  await sleep(delayMs)
  await harm()
  return [await outcome]
}

/** Calls of the command's own thread, and how many of them its longest work makes; start-up opens some 250 files first. */
const STEPS = [
  { calls: 'pwrite64', from: 1, count: 70 },
  { calls: '%file', from: 250, count: 380 },
  { calls: '%network', from: 1, count: 17 },
  { calls: '?mkdir,mkdirat', from: 1, count: 12 },
  { calls: '?unlink,?rmdir,unlinkat', from: 1, count: 22 },
] as const

/** Not at a moment but at a system call, so that what takes microseconds is hit as well. */
function killAtStep(): Fault {
  return {
    kind: 'kill command at a step',
    weight: 8,
    run: async ({ random, world, operation }) => {
      const { calls, from, count } = random.pick(STEPS)
      const at = from + random.below(count)
      const inject = `inject=${calls}:signal=KILL:when=${at}`
      const through = ['strace', '-qq', '-o', '/dev/null', '-e', `trace=${calls}`, '-e', inject]
      return [await world.start(operation.args, { through }).outcome]
    },
  }
}

function hasStrace(): boolean {
  return spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0
}

export const FAULTS: readonly Fault[] = [
  { kind: 'none', weight: 3, run: async ({ world, operation }) => [await world.cli(...operation.args)] },
  {
    kind: 'kill command',
    weight: 8,
    run: async ({ random, world, operation }) => {
      const longestMs = longestDelayMs(operation)
      const delayMs = random.below(random.pick([longestMs, longestMs / 2]))
      const { child, outcome } = world.start(operation.args)
      await sleep(delayMs)
      child.kill('SIGKILL')
      return [await outcome]
    },
  },
  ...(hasStrace() ? [killAtStep()] : []),
  {
    kind: 'kill supervisor',
    weight: 5,
    run: (blow) =>
      during(blow, () => {
        const supervisors = supervisorsOf(blow.world)
        if (supervisors.length > 0) kill(blow.random.pick(supervisors).pid)
      }),
  },
  {
    kind: 'kill container',
    weight: 4,
    run: (blow) =>
      during(blow, () => {
        const pids = firstProcesses(blow.world)
        if (pids.length > 0) kill(blow.random.pick(pids))
      }),
  },
  {
    kind: 'power cut',
    weight: 4,
    run: (blow) =>
      during(blow, async () => {
        await killEverything(blow.world)
        rmSync(blow.world.run, { recursive: true, force: true })
      }),
  },
  {
    kind: 'two at once',
    weight: 5,
    run: async ({ random, world, operation, second }) => {
      if (areAtOdds(operation, second)) return [await world.cli(...operation.args)]
      const first = world.start(operation.args)
      await sleep(random.below(40))
      return Promise.all([first.outcome, world.cli(...second.args)])
    },
  },
  {
    kind: 'disk full',
    weight: 4,
    run: async ({ random, world, operation }) => {
      const filler = join(world.root, 'filler')
      try {
        fill(filler, world.root, random.pick([0, 0, 4, 16, 64, 256, 1024]) << 10)
        return [await world.cli(...operation.args)]
      } finally {
        rmSync(filler, { force: true })
      }
    },
  },
  {
    kind: 'clock jump',
    weight: 3,
    run: async ({ random, world, operation }) => {
      const jumpMs = (random.below(2) === 0 ? -1 : 1) * (1 + random.below(400)) * DAY_MS
      const env = { NODE_OPTIONS: `--import=${clockJump}`, CLOCK_JUMP_MS: String(jumpMs) }
      return [await world.start(operation.args, { env }).outcome]
    },
  },
]

/** Leaves `freeBytes` of the file system, or what there is. A container that writes meanwhile may be faster. */
function fill(path: string, root: string, freeBytes: number): void {
  const { bavail, bsize } = statfsSync(root)
  try {
    writeFileSync(path, Buffer.alloc(Math.max(0, bavail * bsize - freeBytes)))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}

/** What must hold after anything. Each check returns what is wrong; an empty list is peace. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { containerGroups } from '../../src/linux/cgroups/groups.ts'
import { isAlive } from '../../src/util/process-identity.ts'
import { falseNetworks, linksLeft, type Wires } from './networks.ts'
import { type Known, NAMES } from './operations.ts'
import { volumeLeftovers, volumeLies } from './volumes.ts'
import { commandsOf, firstProcesses, type Outcome, supervisorsOf, type World } from './world.ts'

const PATIENCE_MS = 4_000

/** What earlier rounds have seen, and no later one may find gone. */
export interface Memory {
  /** Log files as they were, by container. */
  readonly logs: Map<string, Buffer>
  /** Every container there ever was. */
  readonly ids: Set<string>
  /** Every endpoint and every network. */
  readonly wires: Wires
}

/** Refusals are fine; accidents are not. */
export function accidents(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ hung, stderr, signal }) => [
    ...(hung ? [`a command did not end: ${stderr}`] : []),
    ...(/internal error|This is a bug|unsettled/.test(stderr) ? [`a command failed by accident: ${stderr}`] : []),
    ...(/does not end even by SIGKILL/.test(stderr) ? [`a command could not end a container: ${stderr}`] : []),
    ...(signal !== null && signal !== 'SIGKILL' ? [`a command died of ${signal}`] : []),
  ])
}

/** Things may be on their way (an end that is being recorded); what stays wrong is wrong. */
export async function lies(world: World, memory: Memory): Promise<string[]> {
  for (const deadline = performance.now() + PATIENCE_MS; ; await sleep(60)) {
    const found = [
      ...(await brokenCommands(world)),
      ...falseRecords(world, memory),
      ...lostLogs(world, memory),
      ...volumeLies(world),
      ...falseNetworks(world, memory.wires),
    ]
    if (found.length === 0 || performance.now() > deadline) return found
  }
}

async function brokenCommands(world: World): Promise<string[]> {
  const list = await world.cli('ps', '-a', '-q', '--no-trunc')
  if (list.status !== 0) return [`ps -a ends with ${list.status}: ${list.stderr}`]
  return accidents([list])
}

/** Every record of every container can be shown; a container that goes away by itself meanwhile is no lie. */
export async function unshowable(world: World): Promise<string[]> {
  for (let attempt = 1; ; attempt += 1) {
    const names = rowsOf(world).map(({ name }) => name)
    if (names.length === 0) return []
    const { status, stdout, stderr } = await world.cli('container', 'inspect', ...names)
    const shown = status === 0 ? (JSON.parse(stdout) as unknown[]).length : 0
    if (shown === names.length) return []
    if (attempt === 5) return [`inspect shows ${shown} of ${names.length} containers: ${stderr}`]
  }
}

interface Row {
  readonly id: string
  readonly name: string
  readonly state: string
  readonly pid: number | null
  readonly pid_start: number | null
  readonly supervisor_pid: number | null
  readonly supervisor_start: number | null
  readonly owner_pid: number | null
  readonly owner_start: number | null
  readonly exit_status: number | null
}

function rowsOf({ root }: World): Row[] {
  const database = new DatabaseSync(join(root, 'state.db'), { timeout: 10_000 })
  try {
    return database.prepare('SELECT * FROM containers').all() as unknown as Row[]
  } finally {
    database.close()
  }
}

/** Which names are free, and which do what. */
export function knownOf(world: World): Known {
  const rows = rowsOf(world)
  const named = (...states: string[]) => rows.filter(({ state }) => states.includes(state)).map(({ name }) => name)
  const taken = new Set(rows.map(({ name }) => name))
  return {
    free: NAMES.filter((name) => !taken.has(name)),
    running: named('running'),
    paused: named('paused'),
    stopped: named('created', 'exited', 'restarting'),
    ended: named('created', 'exited'),
  }
}

const lives = (pid: number | null, start: number | null) =>
  pid !== null && start !== null && isAlive({ pid, startTime: start })

function falseRecords(world: World, memory: Memory): string[] {
  const rows = rowsOf(world)
  for (const { id } of rows) memory.ids.add(id)
  const found = rows.flatMap((row) => lieOf(world, row).map((lie) => `${row.name} is ${row.state}, but ${lie}`))
  const known = new Set(rows.map(({ id }) => id))
  const strays = [...memory.ids].filter((id) => !known.has(id)).flatMap((id) => remainsOf(world, id))
  const directories = namesIn(join(world.root, 'containers')).filter((id) => !known.has(id))
  return [...found, ...strays, ...directories.map((id) => `directory of nobody: containers/${id}`)]
}

/** What the scripts end with by themselves, by SIGKILL, by SIGTERM; or nobody knows. */
const POSSIBLE_ENDS: ReadonlySet<number> = new Set([3, 4, 5, 7, 9, 137, 143, -1])

function lieOf(world: World, row: Row): string[] {
  const { id, state } = row
  const process = lives(row.pid, row.pid_start)
  const supervisor = lives(row.supervisor_pid, row.supervisor_start)
  if (state === 'running' || state === 'paused')
    return wrong([
      [!process, 'its process is gone'],
      [!supervisor, 'its supervisor is gone'],
      [!existsSync(runDirectory(world, id)), 'its run directory is gone'],
      [!existsSync(join(world.root, 'containers', id)), 'its directory is gone'],
    ])
  if (state === 'restarting') return wrong([[!lives(row.owner_pid, row.owner_start), 'nobody restarts it']])
  if (state !== 'created' && state !== 'exited') return ['nobody is at work on it']
  // `created` after a start that failed keeps the status of the failure.
  const falseEnd = state === 'exited' && !POSSIBLE_ENDS.has(row.exit_status ?? 0)
  return [
    ...wrong([
      [process || supervisor, 'its processes live'],
      [falseEnd, `it ended with ${row.exit_status}`],
    ]),
    ...remainsOf(world, id),
  ]
}

function wrong(facts: readonly (readonly [boolean, string])[]): string[] {
  return facts.filter(([isWrong]) => isWrong).map(([, words]) => words)
}

/** Of a run: sockets, control groups. */
function remainsOf(world: World, id: string): string[] {
  const groups = containerGroups(`/coracle/${id}`).filter(({ path }) => existsSync(path))
  return [
    ...(existsSync(runDirectory(world, id))
      ? [`run directory of ${id.slice(0, 12)} is left: ${namesIn(runDirectory(world, id))}`]
      : []),
    ...groups.map(({ path }) => `control group is left: ${path}`),
  ]
}

function runDirectory({ run }: World, id: string): string {
  return join(run, 'c', id.slice(0, 32))
}

/** What was once written to a log stays there for as long as its container does. */
function lostLogs({ root }: World, { logs }: Memory): string[] {
  const found: string[] = []
  for (const id of namesIn(join(root, 'containers'))) {
    const path = join(root, 'containers', id, `${id}-json.log`)
    const before = logs.get(id) ?? Buffer.alloc(0)
    const now = existsSync(path) ? readFileSync(path) : Buffer.alloc(0)
    if (now.length < before.length || !now.subarray(0, before.length).equals(before))
      found.push(`log of ${id.slice(0, 12)} has lost what was in it`)
    else logs.set(id, now)
  }
  return found
}

/** The store, by its own check: what is wrong is mended at the first attempt, and then nothing is. */
export async function unmended(world: World): Promise<string[]> {
  const first = await world.cli('system', 'check', '--repair', '--format', 'json')
  const second = await world.cli('system', 'check', '--format', 'json')
  if (second.status === 0) return accidents([first, second])
  return [`system check still finds: ${second.stdout}${second.stderr} after ${first.stdout}${first.stderr}`]
}

/** Removes all containers, and says what stays of them on this host. */
export async function leftovers(world: World, memory: Memory): Promise<string[]> {
  const ids = rowsOf(world).map(({ id }) => id)
  const removal = ids.length === 0 ? [] : [await world.cli('rm', '-f', ...ids)]
  removal.push(await world.cli('network', 'prune', '-f'))
  const failed = removal.filter(({ status }) => status !== 0).map(({ stderr }) => `removal failed: ${stderr}`)
  for (const deadline = performance.now() + PATIENCE_MS; ; await sleep(60)) {
    const left = [
      ...rowsOf(world).map(({ name, state }) => `${name} is still there, ${state}`),
      ...namesIn(join(world.root, 'containers')).map((id) => `directory containers/${id}`),
      ...namesIn(join(world.run, 'c')).map((id) => `run directory c/${id}`),
      ...[...memory.ids].flatMap((id) => remainsOf(world, id)),
      ...[...commandsOf(world), ...supervisorsOf(world)].map(({ pid, line }) => `process ${pid}: ${line}`),
      ...linksLeft(memory.wires),
      ...firstProcesses(world).map((pid) => `process ${pid} of a container`),
      ...readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .filter((line) => line.includes(world.directory) && !line.includes(` ${world.root} `)),
    ]
    if (left.length === 0 || performance.now() > deadline) {
      memory.ids.clear()
      memory.logs.clear()
      memory.wires.endpoints.clear()
      return [...failed, ...left, ...(await volumeLeftovers(world))]
    }
  }
}

/** No name is stuck: each can be given once more. */
export async function stuckNames(world: World): Promise<string[]> {
  const found: string[] = []
  for (const name of NAMES) {
    const { status, stderr } = await world.cli('create', '--name', name, '--network', 'none', 'busybox:faults', 'true')
    if (status !== 0) found.push(`the name ${name} cannot be used: ${stderr}`)
  }
  const { status, stderr } = await world.cli('rm', ...NAMES)
  return status === 0 ? found : [...found, `rm failed: ${stderr}`]
}

function namesIn(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : []
}

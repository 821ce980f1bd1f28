/** Rounds of an operation and a fault, drawn by a seed; after each round the invariants. */

import { buildLies, writeBuilds } from './builds.ts'
import { FAULTS } from './faults.ts'
import { accidents, knownOf, leftovers, lies, type Memory, stuckNames, unmended, unshowable } from './invariants.ts'
import { falseInspects } from './networks.ts'
import { chooseOperation } from './operations.ts'
import { openRandom } from './random.ts'
import { openWorld, settle, type World } from './world.ts'

export interface FaultRun {
  readonly seed: number
  readonly rounds: number
  /** How often, by operation and fault. */
  readonly counts: ReadonlyMap<string, number>
  readonly faults: ReadonlyMap<string, number>
  /** Commands by how they ended. */
  readonly ends: ReadonlyMap<string, number>
}

export interface FaultOptions {
  readonly seed: number
  readonly rounds: number
  /** @param history - what was done, and what came of it */
  readonly onRound?: (round: number, history: readonly string[]) => void
}

/** Everything is removed, and looked for, every so many rounds. */
const SWEEP_EVERY = 25
const CHECK_EVERY = 12
/** As many operations are printed with a violation. */
const HISTORY = 30

export class InvariantBroken extends Error {}

/** @throws {InvariantBroken} with seed, round, and the operations that led there */
export async function runFaults({ seed, rounds, onRound }: FaultOptions): Promise<FaultRun> {
  const random = openRandom(seed)
  const world = await openWorld()
  writeBuilds(world)
  const memory: Memory = {
    logs: new Map(),
    ids: new Set(),
    wires: { endpoints: new Set(), networks: new Set() },
  }
  const history: string[] = []
  const [counts, faults, ends] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()]
  try {
    for (let round = 1; round <= rounds; round++) {
      const drawing = { random, world, known: knownOf(world) }
      const [operation, second] = [chooseOperation(drawing), chooseOperation(drawing)]
      const fault = random.weighted(FAULTS)
      const also = fault.kind === 'two at once' ? ` | ${second.args.join(' ')}` : ''
      history.push(`${round}: ${fault.kind}: ${operation.args.join(' ')}${also}`)
      const outcomes = await fault.run({ random, world, operation, second })
      const said = outcomes.map(({ status, signal, stderr }) => `${signal ?? status} ${stderr.trim().split('\n')[0]}`)
      history.push(`   -> ${said.join(' | ')}`)
      for (const { status, signal } of outcomes) count(ends, signal ?? `status ${status}`)
      count(counts, operation.kind)
      count(faults, fault.kind)
      const busy = await settle(world)
      const found = [
        ...accidents(outcomes),
        ...busy.map(({ line }) => `still at work: ${line}`),
        ...(await broken(world, memory, round)),
      ]
      if (found.length > 0) throw new InvariantBroken(describe({ seed, round, found, history }))
      onRound?.(round, history.slice(-2))
    }
    const left = [...(await leftovers(world, memory)), ...(await unmended(world))]
    if (left.length > 0) throw new InvariantBroken(describe({ seed, round: rounds, found: left, history }))
  } finally {
    await world.close()
  }
  return { seed, rounds, counts, faults, ends }
}

async function broken(world: World, memory: Memory, round: number): Promise<string[]> {
  const found = await lies(world, memory)
  if (found.length > 0) return found
  if (round % 5 === 0) found.push(...(await unshowable(world)), ...(await falseInspects(world)))
  if (round % CHECK_EVERY === 0) found.push(...(await unmended(world)))
  if (round % SWEEP_EVERY === 0)
    found.push(...(await leftovers(world, memory)), ...(await stuckNames(world)), ...(await buildLies(world)))
  return found
}

function describe({
  seed,
  round,
  found,
  history,
}: {
  seed: number
  round: number
  found: readonly string[]
  history: readonly string[]
}): string {
  return [
    `after round ${round} of FAULTS_SEED=${seed}:`,
    ...found.map((line) => `  ${line}`),
    'what led there:',
    ...history.slice(-HISTORY * 2).map((line) => `  ${line}`),
  ].join('\n')
}

function count(counts: Map<string, number>, kind: string): void {
  counts.set(kind, (counts.get(kind) ?? 0) + 1)
}

export function formatCounts({ seed, rounds, counts, faults, ends }: FaultRun): string {
  const list = (title: string, map: ReadonlyMap<string, number>) =>
    `${title}: ${[...map]
      .toSorted(([, left], [, right]) => right - left)
      .map(([kind, number]) => `${kind} ${number}`)
      .join(', ')}`
  return [
    `${rounds} rounds of seed ${seed}, no invariant broken`,
    list('operations', counts),
    list('faults', faults),
    list('ends of commands', ends),
  ].join('\n')
}

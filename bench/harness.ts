/** Times commands side by side: the subjects take turns round by round, so that a noisy machine is noisy for all. */
import { spawnSync } from 'node:child_process'

export interface Subject {
  readonly name: string
  /** One measured unit of work. Must throw when it fails: a failed run is no measurement. A number is milliseconds in place of those that have passed. */
  readonly work: () => unknown
  /** Brings the state back to where a round starts; not measured. */
  readonly reset?: () => void
}

export interface Measurement {
  readonly name: string
  readonly samplesMs: readonly number[]
  readonly medianMs: number
}

/**
 * @param rounds - counted rounds
 * @param warmUps - rounds before them that do not count
 */
export function measure(subjects: readonly Subject[], rounds: number, warmUps: number = 1): Measurement[] {
  const samples = new Map<string, number[]>(subjects.map(({ name }) => [name, []]))
  for (let round = -warmUps; round < rounds; round++) {
    for (const { name, work, reset } of subjects) {
      reset?.()
      const started = process.hrtime.bigint()
      const told = work()
      const elapsedMs = Number(process.hrtime.bigint() - started) / 1e6
      if (round >= 0) samples.get(name)?.push(typeof told === 'number' ? told : elapsedMs)
    }
  }
  return [...samples].map(([name, samplesMs]) => ({ name, samplesMs, medianMs: median(samplesMs) }))
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** Prints medians, extremes and the ratio of the first subject to each of the others. */
export function report(title: string, measurements: readonly Measurement[]): void {
  const [first] = measurements
  console.log(`\n${title}`)
  console.log(
    ['', 'median ms', 'min', 'max', 'first ÷ this'].map((cell, index) => cell.padStart(index === 0 ? 24 : 14)).join(''),
  )
  for (const { name, medianMs, samplesMs } of measurements) {
    const ratio = first === undefined ? Number.NaN : first.medianMs / medianMs
    const cells = [medianMs, Math.min(...samplesMs), Math.max(...samplesMs)].map((ms) => ms.toFixed(1))
    console.log(name.padEnd(24) + [...cells, ratio.toFixed(2)].map((cell) => cell.padStart(14)).join(''))
  }
}

/** How fast each is, in the unit of the title: taken by turns, as above; `sample` measures one. Prints as `report` does. */
export function reportRates<Item extends { readonly name: string }>(
  title: string,
  items: readonly Item[],
  { rounds, sample }: { readonly rounds: number; readonly sample: (item: Item) => number },
): void {
  const samples = new Map<Item, number[]>(items.map((item) => [item, []]))
  for (let round = 0; round < rounds; round++) for (const item of items) samples.get(item)?.push(sample(item))
  const [first = []] = samples.values()
  console.log(`\n${title}`)
  console.log(
    ['', 'median', 'min', 'max', 'first ÷ this'].map((cell, index) => cell.padStart(index === 0 ? 24 : 14)).join(''),
  )
  for (const [{ name }, rates] of samples) {
    const cells = [median(rates), Math.min(...rates), Math.max(...rates)].map((rate) =>
      rate.toLocaleString('en', { maximumSignificantDigits: 4, useGrouping: false }),
    )
    console.log(
      name.padEnd(24) +
        [...cells, (median(first) / median(rates)).toFixed(2)].map((cell) => cell.padStart(14)).join(''),
    )
  }
}

/** Runs a program to its end and returns what it printed. @throws when it fails */
export function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { env, encoding: 'utf8', maxBuffer: 1 << 28 })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} exited with ${status}: ${stderr.slice(-2000)}`)
  return stdout
}

/** Whether `program` is on PATH; says aloud when it is not, because a missing peer is a missing number. */
export function hasPeer(program: string): boolean {
  const found = spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
  if (!found) console.log(`skipping ${program}: not installed`)
  return found
}

/** Builds, checks and runs every tier of tests; prints one line of counts at the end and fails when anything failed. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readHostState } from './host-state.ts'

interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly failures: readonly Failure[]
}

interface Failure {
  readonly title: string
  /** The error with its stack. */
  readonly why: string
}

const NOTHING: Counts = { passed: 0, failed: 0, skipped: 0, failures: [] }
const TIERS = ['unit', 'system', 'e2e'] as const
const STEPS: readonly (readonly [string, ...string[]])[] = [
  ['npm', 'run', '--silent', 'build'],
  ['npm', 'run', '--silent', 'check'],
]

const before = new Set(readHostState())
const scratch = mkdtempSync(join(tmpdir(), 'test-run-'))
try {
  const steps = STEPS.map(runStep)
  // Without a build the end-to-end tests would test nothing or something old.
  const tiers = steps[0]?.failed === 0 ? TIERS.map(runTier) : []
  const counts = [...steps, ...tiers, checkLeaks()].reduce(add)
  printFailures(counts.failures)
  console.log(
    `${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`,
  )
  process.exitCode = counts.failed === 0 && tiers.length > 0 ? 0 : 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

function runStep([command, ...args]: readonly [string, ...string[]]): Counts {
  console.log(`\n== ${[command, ...args].join(' ')}`)
  const { status } = spawnSync(command, args, { stdio: 'inherit' })
  const line = [command, ...args].join(' ')
  return status === 0 ? NOTHING : failure(line, `ended with ${status}; what it printed is above`)
}

function failure(title: string, why: string): Counts {
  return { ...NOTHING, failed: 1, failures: [{ title, why }] }
}

/** Once more at the end, where whoever has only the last lines of a log sees them. */
function printFailures(failures: readonly Failure[]): void {
  for (const { title, why } of failures)
    console.log(`\n== failed: ${title}\n${why.split('\n').slice(0, 20).join('\n')}`)
}

/** The tests leave the host as they found it, once what they have ended has had time to go. */
function checkLeaks(): Counts {
  const look = () => readHostState().filter((line) => !before.has(line))
  const clock = new Int32Array(new SharedArrayBuffer(4))
  let left = look()
  for (let seconds = 0; left.length > 0 && seconds < 10; seconds++) {
    Atomics.wait(clock, 0, 0, 1000)
    left = look()
  }
  return left.length === 0 ? { ...NOTHING, passed: 1 } : failure('left behind on this host', left.join('\n'))
}

/** A tier that dies before it reports counts as one failure, one that fails without a failed test as well. */
function runTier(tier: (typeof TIERS)[number]): Counts {
  const tally = join(scratch, tier)
  writeFileSync(tally, '')
  console.log(`\n== test:${tier}`)
  const reporter = join(import.meta.dirname, 'tally-reporter.cjs')
  const { status } = spawnSync('npm', ['run', '--silent', `test:${tier}`, '--', '--reporter', reporter], {
    stdio: 'inherit',
    env: { ...process.env, CORACLE_TEST_TALLY: tally },
  })
  const line = readFileSync(tally, 'utf8').trim()
  if (line === '') return failure(`test:${tier}`, 'it ended before it had counted')
  const counts = JSON.parse(line) as Counts
  if (status === 0 || counts.failed > 0) return counts
  return add(counts, failure(`test:${tier}`, `it ended with ${status} though no test failed`))
}

function add(left: Counts, right: Counts): Counts {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped,
    failures: [...left.failures, ...right.failures],
  }
}

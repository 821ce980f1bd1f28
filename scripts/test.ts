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
}

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
  return { passed: 0, failed: status === 0 ? 0 : 1, skipped: 0 }
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
  if (left.length > 0) console.log(`\n== left behind on this host:\n${left.join('\n')}`)
  return { passed: left.length === 0 ? 1 : 0, failed: left.length === 0 ? 0 : 1, skipped: 0 }
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
  if (line === '') return { passed: 0, failed: 1, skipped: 0 }
  const counts = JSON.parse(line) as Counts
  return status !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts
}

function add(left: Counts, right: Counts): Counts {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped,
  }
}

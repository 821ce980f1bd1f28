/** A command that does nothing, against a bare Node of the same version. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { measure, report, run } from './harness.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 30)
const coracle = join(import.meta.dirname, '../bin/coracle')
const root = mkdtempSync(join(tmpdir(), 'coracle-bench-')) // what is compiled is kept where there is a data root, as users have one
const env = { ...process.env, CORACLE_ROOT: root }
const subjects = [
  { name: 'coracle version', work: () => void run(coracle, ['version'], env) },
  { name: 'coracle --help', work: () => void run(coracle, ['--help'], env) },
  { name: 'bare node', work: () => void run(process.execPath, ['-e', '0']) },
]
try {
  report(`start-up (${ROUNDS} rounds)`, measure(subjects, ROUNDS))
} finally {
  rmSync(root, { recursive: true })
}

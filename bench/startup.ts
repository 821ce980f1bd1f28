/** A command that does nothing, against a bare Node of the same version. */
import { join } from 'node:path'
import { measure, report, run } from './harness.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 30)
const coracle = join(import.meta.dirname, '../bin/coracle')
const subjects = [
  { name: 'coracle version', work: () => void run(coracle, ['version']) },
  { name: 'coracle --help', work: () => void run(coracle, ['--help']) },
  { name: 'bare node', work: () => void run(process.execPath, ['-e', '0']) },
]
report(`start-up (${ROUNDS} rounds)`, measure(subjects, ROUNDS))

import { describe, it } from 'mocha'
import { needsRoot } from '../support/needs-root.ts'
import { formatCounts, runFaults } from './run-faults.ts'

const ROUNDS = Number(process.env['FAULTS_ROUNDS'] ?? 150)

describe('whatever dies at whatever moment', () => {
  it('no record lies, no name is stuck, nothing leaks, logs stay, and the store can be mended', async function () {
    needsRoot(this)
    this.timeout(600_000)
    const seed = Number(process.env['FAULTS_SEED'] ?? Date.now() % 2 ** 32)
    console.log(`FAULTS_SEED=${seed}`)
    console.log(formatCounts(await runFaults({ seed, rounds: ROUNDS })))
  })
})

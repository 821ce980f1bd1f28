/** `npm run faults -- [--rounds N] [--seed N]`: as many rounds of fault injection as wanted; reports the counts. */
import { parseArgs } from 'node:util'
import { formatCounts, runFaults } from './run-faults.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '1000' }, seed: { type: 'string' }, verbose: { type: 'boolean' } },
})
const seed = Number(values.seed ?? Date.now() % 2 ** 32)
const rounds = Number(values.rounds)
console.log(`FAULTS_SEED=${seed}, ${rounds} rounds`)
const run = await runFaults({
  seed,
  rounds,
  onRound: (round, history) => {
    if (values.verbose === true) console.log(history.join('\n'))
    if (round % 50 === 0) console.log(`${round} rounds`)
  },
})
console.log(formatCounts(run))

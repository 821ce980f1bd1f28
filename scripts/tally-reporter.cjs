/** mocha's `spec` reporter, which also leaves its counts in the file named by CORACLE_TEST_TALLY. */
const { appendFileSync } = require('node:fs')
const { reporters } = require('mocha')

module.exports = class TallyReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats
      const file = process.env.CORACLE_TEST_TALLY
      if (file) appendFileSync(file, `${JSON.stringify({ passed: passes, failed: failures, skipped: pending })}\n`)
    })
  }
}

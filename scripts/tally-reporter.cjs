/** mocha's `spec` reporter, which also leaves its counts and what failed in the file named by CORACLE_TEST_TALLY. */
const { appendFileSync } = require('node:fs')
const { reporters } = require('mocha')

module.exports = class TallyReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    const failures = []
    runner.on('fail', (test, error) => failures.push({ title: test.fullTitle(), why: String(error.stack ?? error) }))
    runner.once('end', () => {
      const { passes, failures: failed, pending } = this.stats
      const file = process.env.CORACLE_TEST_TALLY
      if (file) appendFileSync(file, `${JSON.stringify({ passed: passes, failed, skipped: pending, failures })}\n`)
    })
  }
}

import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { containerStatus, humanDuration } from '../../src/ui/container-status.ts'

const SECOND = 1000
const HOUR = 3600 * SECOND
const DAY = 24 * HOUR

describe('humanDuration', () => {
  const cases: readonly (readonly [number, string])[] = [
    [500, 'Less than a second'],
    [SECOND, '1 second'],
    [59 * SECOND, '59 seconds'],
    [60 * SECOND, 'About a minute'],
    [119 * SECOND, 'About a minute'],
    [120 * SECOND, '2 minutes'],
    [HOUR, 'About an hour'],
    [2 * HOUR, '2 hours'],
    [47 * HOUR, '47 hours'],
    [48 * HOUR, '2 days'],
    [13 * DAY, '13 days'],
    [14 * DAY, '2 weeks'],
    [59 * DAY, '8 weeks'],
    [60 * DAY, '2 months'],
    [729 * DAY, '24 months'],
    [730 * DAY, '2 years'],
  ]
  for (const [ms, words] of cases)
    it(`says ${words} as docker does`, () => {
      assert.equal(humanDuration(ms), words)
    })
})

describe('containerStatus', () => {
  const times = { startedAtMs: 0, finishedAtMs: 2 * HOUR, exitStatus: 137 }
  it('tells states in docker’s words', () => {
    const status = (state: string) => containerStatus({ ...times, state }, 5 * HOUR)
    assert.equal(status('running'), 'Up 5 hours')
    assert.equal(status('paused'), 'Up 5 hours (Paused)')
    assert.equal(status('exited'), 'Exited (137) 3 hours ago')
    assert.equal(status('created'), 'Created')
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { goTime, humanAge, humanDuration, humanSize } from '../../src/ui/units.ts'

const SECOND = 1000
const HOUR = 3_600_000
const DAY = 24 * HOUR

describe('humanSize', () => {
  const table = [
    [0, '0B'],
    [999, '999B'],
    [1000, '1kB'],
    [4_263_000, '4.263MB'],
    [1_234_567_890, '1.235GB'],
    [999_960, '1000kB'],
  ] as const
  for (const [bytes, text] of table) it(`says ${text} for ${bytes}`, () => assert.equal(humanSize(bytes), text))
  it('says three digits where docker does', () => assert.equal(humanSize(4_263_000, 3), '4.26MB'))
})

describe('humanDuration', () => {
  const table = [
    [0, 'Less than a second'],
    [SECOND, '1 second'],
    [59 * SECOND, '59 seconds'],
    [60 * SECOND, 'About a minute'],
    [120 * SECOND, '2 minutes'],
    [HOUR, 'About an hour'],
    [2 * HOUR, '2 hours'],
    [47 * HOUR, '47 hours'],
    [2 * DAY, '2 days'],
    [14 * DAY, '2 weeks'],
    [60 * DAY, '2 months'],
    [730 * DAY, '2 years'],
  ] as const
  for (const [time, text] of table) it(`says ${text} for ${time} ms`, () => assert.equal(humanDuration(time), text))
})

describe('times', () => {
  it('of images that hide theirs are not available', () => {
    assert.equal(humanAge(0), 'N/A')
    assert.equal(goTime(0), 'N/A')
  })
  it('are shown as Go shows them', () => {
    assert.equal(goTime(Date.UTC(2024, 1, 3, 4, 5, 6)), '2024-02-03 04:05:06 +0000 UTC')
    assert.equal(humanAge(1_000_000, 1_000_000 + 3 * DAY), '3 days ago')
  })
})

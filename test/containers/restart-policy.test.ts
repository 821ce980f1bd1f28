import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { type Ended, nextRestart } from '../../src/containers/restart-policy.ts'

const failed: Ended = {
  policy: { Name: 'always', MaximumRetryCount: 0 },
  stoppedByUser: false,
  restartCount: 0,
  restartDelayMs: 0,
  ranMs: 50,
  exitStatus: 1,
}

describe('a restart policy', () => {
  it('brings nothing back without one, nor what the user has ended', () => {
    assert.equal(nextRestart({ ...failed, policy: { Name: 'no', MaximumRetryCount: 0 } }), undefined)
    for (const Name of ['always', 'unless-stopped', 'on-failure'] as const)
      assert.equal(nextRestart({ ...failed, policy: { Name, MaximumRetryCount: 0 }, stoppedByUser: true }), undefined)
  })

  it('brings back what always or unless-stopped, also after success', () => {
    for (const Name of ['always', 'unless-stopped'] as const)
      assert.deepEqual(nextRestart({ ...failed, policy: { Name, MaximumRetryCount: 0 }, exitStatus: 0 }), {
        delayMs: 100,
        count: 1,
      })
  })

  it('brings back failures only with on-failure, an unknown end among them, and only so often', () => {
    const policy = { Name: 'on-failure', MaximumRetryCount: 2 } as const
    assert.equal(nextRestart({ ...failed, policy, exitStatus: 0 }), undefined)
    assert.equal(nextRestart({ ...failed, policy, exitStatus: -1 })?.count, 1)
    assert.equal(nextRestart({ ...failed, policy, restartCount: 1 })?.count, 2)
    assert.equal(nextRestart({ ...failed, policy, restartCount: 2 }), undefined)
  })

  it('waits twice as long each time, a minute at most, and starts over after ten seconds of life', () => {
    const delays: number[] = []
    let state = failed
    for (let round = 0; round < 12; round += 1) {
      const next = nextRestart(state)
      assert(next)
      delays.push(next.delayMs)
      state = { ...state, restartCount: next.count, restartDelayMs: next.delayMs }
    }
    assert.deepEqual(delays, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000])
    assert.equal(nextRestart({ ...state, ranMs: 10_000 })?.delayMs, 100)
  })

  it('never waits less than 100 ms nor more than a minute, whatever the clock says', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60_000 }), fc.integer(), (restartDelayMs, ranMs) => {
        const { delayMs = 0 } = nextRestart({ ...failed, restartDelayMs, ranMs }) ?? {}
        assert(delayMs >= 100 || restartDelayMs < 100)
        assert(delayMs <= 60_000)
      }),
    )
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { afterProbe, healthRules, INITIAL, isStarting } from '../../../src/containers/health/state.ts'
import type { Health, Probe } from '../../../src/containers/records.ts'

const probe = (ExitCode: number): Probe => ({ Start: '', End: '', ExitCode, Output: '' })
const RULES = { retries: 3, startPeriodMs: 0 }

function healthAfter(codes: readonly number[], rules = RULES, sinceStartMs = 0): Health {
  return codes.reduce((health, code) => afterProbe(health, probe(code), { rules, sinceStartMs }), INITIAL)
}

describe('the health of a container', () => {
  it('is starting, then healthy with the first success', () => {
    assert.equal(healthAfter([]).Status, 'starting')
    assert.equal(healthAfter([0]).Status, 'healthy')
    assert.equal(healthAfter([1, 1, 0]).Status, 'healthy')
  })

  it('is unhealthy after as many failures in a row as there are retries, and recovers with one success', () => {
    assert.equal(healthAfter([1, 1]).Status, 'starting')
    assert.equal(healthAfter([1, -1, 1]).Status, 'unhealthy')
    assert.equal(healthAfter([0, 1, 1]).Status, 'healthy')
    assert.equal(healthAfter([0, 1, 1, 0, 1, 1]).Status, 'healthy')
    assert.equal(healthAfter([0, 1, 1, 1]).Status, 'unhealthy')
    assert.equal(healthAfter([1, 1, 1, 0]).Status, 'healthy')
  })

  it('does not count failures of the start period, which a success ends', () => {
    const rules = { retries: 1, startPeriodMs: 1000 }
    assert.equal(healthAfter([1, 1, 1], rules, 500).Status, 'starting')
    assert.equal(healthAfter([1, 1, 1], rules, 500).FailingStreak, 0)
    assert.equal(healthAfter([0, 1], rules, 500).Status, 'unhealthy')
    assert.equal(healthAfter([1], rules, 1000).Status, 'unhealthy')
    assert(isStarting(healthAfter([1], rules, 500), { rules, sinceStartMs: 500 }))
    assert(!isStarting(healthAfter([0], rules, 500), { rules, sinceStartMs: 500 }))
    assert(!isStarting(INITIAL, { rules, sinceStartMs: 1000 }))
  })

  it('is what the run of failures at the end says, whatever came before; five probes are kept', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(0, 1, -1), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 5 }),
        (codes, retries) => {
          const health = healthAfter(codes, { retries, startPeriodMs: 0 })
          const streak = codes.length - 1 - codes.lastIndexOf(0)
          assert.equal(health.FailingStreak, streak)
          const expected =
            streak >= retries ? 'unhealthy' : codes.includes(0) || codesTurned(codes, retries) ? undefined : 'starting'
          if (expected !== undefined) assert.equal(health.Status, expected)
          if (streak === 0) assert.equal(health.Status, 'healthy')
          assert.deepEqual(
            health.Log.map(({ ExitCode }) => ExitCode),
            codes.slice(-5),
          )
        },
      ),
    )
  })
})

/** Whether it was unhealthy at some time before. */
function codesTurned(codes: readonly number[], retries: number): boolean {
  return codes
    .map((code) => (code === 0 ? '0' : '1'))
    .join('')
    .includes('1'.repeat(retries))
}

describe('the rules of a health check', () => {
  it('are docker’s where nothing is said', () => {
    assert.deepEqual(healthRules({ Healthcheck: { Test: ['CMD', 'true'] } }), {
      command: ['true'],
      intervalMs: 30_000,
      timeoutMs: 30_000,
      startPeriodMs: 0,
      startIntervalMs: 5000,
      retries: 3,
    })
  })

  it('run a line in the shell of the image', () => {
    assert.deepEqual(healthRules({ Healthcheck: { Test: ['CMD-SHELL', 'a | b'] } })?.command, [
      '/bin/sh',
      '-c',
      'a | b',
    ])
    const other = healthRules({ Healthcheck: { Test: ['CMD-SHELL', 'a'] }, Shell: ['/bin/ash', '-ec'] })
    assert.deepEqual(other?.command, ['/bin/ash', '-ec', 'a'])
  })

  it('are none without a test, or when it is switched off', () => {
    for (const Test of [undefined, [], ['NONE'], ['CMD']])
      assert.equal(healthRules(Test === undefined ? {} : { Healthcheck: { Test } }), undefined)
  })
})

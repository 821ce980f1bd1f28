import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { parseHealth, parseHealthAction } from '../../../src/containers/parse/health.ts'
import { mergeImage } from '../../../src/containers/spec/merge-image.ts'
import type { RunFlags } from '../../../src/containers/types.ts'
import { settingsOf } from '../../support/containers.ts'

const SECOND = 1_000_000_000

describe('--health-*', () => {
  it('say nothing when none is given, so that the image’s check stays', () => {
    assert.equal(parseHealth({}), undefined)
    const image = { Healthcheck: { Test: ['CMD', 'check'], Interval: 5 * SECOND, Retries: 2 } }
    assert.deepEqual(mergeImage(settingsOf().config, image).Healthcheck, image.Healthcheck)
  })

  it('read times, retries and a command', () => {
    const flags: RunFlags = {
      'health-cmd': 'curl -f localhost',
      'health-interval': '1m30s',
      'health-timeout': '500ms',
      'health-start-period': '0',
      'health-start-interval': '1.5s',
      'health-retries': '4',
    }
    assert.deepEqual(parseHealth(flags), {
      Test: ['CMD-SHELL', 'curl -f localhost'],
      Interval: 90 * SECOND,
      Timeout: SECOND / 2,
      StartPeriod: 0,
      StartInterval: 1.5 * SECOND,
      Retries: 4,
    })
  })

  it('change parts of the image’s check, or switch it off', () => {
    const image = { Healthcheck: { Test: ['CMD', 'check'], Interval: 5 * SECOND, Retries: 2 } }
    const merged = (flags: RunFlags) => mergeImage(settingsOf(flags).config, image).Healthcheck
    assert.deepEqual(merged({ 'health-interval': '1s' }), { Test: ['CMD', 'check'], Interval: SECOND, Retries: 2 })
    assert.deepEqual(merged({ 'no-healthcheck': true })?.Test, ['NONE'])
  })

  for (const [flags, message] of [
    [{ 'health-interval': 'soon' }, /for "--health-interval" flag: time: invalid duration "soon"/],
    [{ 'health-timeout': '-1s' }, /--health-timeout cannot be negative/],
    [{ 'health-interval': '10us' }, /--health-interval cannot be less than 1ms/],
    [{ 'health-retries': '-2' }, /--health-retries cannot be negative/],
    [{ 'health-retries': 'x' }, /health-retries/],
    [{ 'no-healthcheck': true, 'health-cmd': 'true' }, /--no-healthcheck conflicts with --health-\* options/],
  ] as const satisfies readonly (readonly [RunFlags, RegExp])[])
    it(`refuse ${JSON.stringify(flags)}`, () => {
      assert.throws(() => parseHealth(flags), message)
    })

  it('know what to do on failure', () => {
    for (const action of ['none', 'kill', 'stop', 'restart'] as const) assert.equal(parseHealthAction(action), action)
    assert.equal(parseHealthAction(), 'none')
    assert.throws(() => parseHealthAction('panic'), /invalid on-failure action "panic"/)
  })
})

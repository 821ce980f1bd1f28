import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { fileLimits, parseLogConfig } from '../../../src/containers/parse/logging.ts'

describe('--log-driver and --log-opt', () => {
  it('rotate by default', () => {
    assert.deepEqual(parseLogConfig(), { Type: 'json-file', Config: {} })
    assert.deepEqual(fileLimits(parseLogConfig()), { maxSizeBytes: 20 << 20, maxFiles: 5 })
  })

  it('take sizes and numbers of files', () => {
    const config = parseLogConfig('local', ['max-size=10m', 'max-file=3'])
    assert.deepEqual(fileLimits(config), { maxSizeBytes: 10 << 20, maxFiles: 3 })
    assert.equal(fileLimits(parseLogConfig('json-file', ['max-size=-1'])).maxSizeBytes, 0)
  })

  for (const [driver, options, message] of [
    ['../smoke', [], /no log driver named '..\/smoke' is registered/],
    ['json-file', ['colour=red'], /unknown log opt 'colour' for json-file log driver/],
    ['none', ['max-size=1m'], /unknown log opt 'max-size' for none log driver/],
    ['json-file', ['max-file=0'], /invalid value for max-file: 0/],
    ['json-file', ['max-file=many'], /invalid value for max-file: many/],
    ['json-file', ['max-size=0'], /max-size must be a positive number: 0/],
    ['json-file', ['max-size=big'], /invalid size: 'big'/],
    ['json-file', ['labels-regex=('], /invalid value for labels-regex/],
  ] as const)
    it(`refuse ${driver} ${options.join(' ')}`, () => {
      assert.throws(() => parseLogConfig(driver, options), message)
    })
})

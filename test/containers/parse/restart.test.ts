import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { parseRestartPolicy } from '../../../src/containers/parse/restart.ts'

describe('--restart', () => {
  it('reads every policy of docker', () => {
    assert.deepEqual(parseRestartPolicy(), { Name: 'no', MaximumRetryCount: 0 })
    assert.deepEqual(parseRestartPolicy('always'), { Name: 'always', MaximumRetryCount: 0 })
    assert.deepEqual(parseRestartPolicy('unless-stopped'), { Name: 'unless-stopped', MaximumRetryCount: 0 })
    assert.deepEqual(parseRestartPolicy('on-failure'), { Name: 'on-failure', MaximumRetryCount: 0 })
    assert.deepEqual(parseRestartPolicy('on-failure:5'), { Name: 'on-failure', MaximumRetryCount: 5 })
  })

  for (const text of ['sometimes', 'always:3', 'on-failure:-1', 'on-failure:x', 'on-failure:1:2'])
    it(`refuses ${text}`, () => {
      assert.throws(() => parseRestartPolicy(text), { code: 'INVALID_ARGUMENT' })
    })
})

import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { launchError } from '../../src/linux/errors.ts'

describe('launchError', () => {
  it('speaks of a port that somebody has in words of the user, without the number of a step', () => {
    for (const place of ['0.0.0.0:8080', '[::]:8080']) {
      const error = launchError(['launch', '28', 'bind', place, '98', 'port is already allocated'])
      assert.equal(error.message, `Bind for ${place} failed: port is already allocated`)
      assert.equal(error.exitCode, 125)
      assert.match(error.hint ?? '', /ss -lntup/)
    }
  })

  it('leaves what is bound elsewhere to the words of its step', () => {
    const error = launchError(['launch', '3', 'bind', '/run/coracle/attach', '98', 'Address already in use'])
    assert.match(error.message, /step 3, bind \/run/)
  })
})

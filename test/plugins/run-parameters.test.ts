import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { describe, it } from 'mocha'
import { CoracleError } from '../../src/errors.ts'
import { readRunParameters } from '../../src/plugins/run-parameters.ts'

describe('readRunParameters', () => {
  it('reads what makes sense', () => {
    const input = Buffer.from('in').toString('base64')
    const wish = {
      image: 'busybox',
      args: ['a', ''],
      env: { A: 'b=c' },
      user: '1',
      workdir: '/',
      entrypoint: 'sh',
      input,
    }
    assert.deepEqual(readRunParameters(wish), { ...wish, env: ['A=b=c'], input: Buffer.from('in') })
  })

  it('leaves out whatever it does not know', () => {
    const known = ['image', 'args', 'entrypoint', 'env', 'user', 'workdir', 'input']
    const wish = JSON.parse(
      '{"image":"busybox","volume":["/:/host"],"privileged":true,"__proto__":{"user":"0"}}',
    ) as object
    assert.deepEqual(Object.keys(readRunParameters(wish)), known)
    assert.equal(readRunParameters(wish).user, undefined)
    assert.equal(({} as { user?: string }).user, undefined)
  })

  it('makes of anything either parameters of names and texts, or an error that it meant to make', () => {
    const field = fc.oneof(
      fc.jsonValue(),
      fc.string(),
      fc.constantFrom('busybox', './x', '/x', '..', 'a\0b', '--privileged'),
    )
    const wishes = fc.dictionary(fc.constantFrom('image', 'args', 'env', 'user', 'input', '__proto__', 'x'), field)
    fc.assert(
      fc.property(fc.oneof(wishes, fc.jsonValue()), (wish) => {
        try {
          const { image, args, env } = readRunParameters(wish)
          assert.match(image, /^[a-zA-Z0-9[]/)
          assert(args.every((each) => typeof each === 'string' && !each.includes('\0')))
          assert(env.every((each) => /^[A-Za-z_]\w*=/.test(each)))
        } catch (error) {
          assert(error instanceof CoracleError, String(error))
        }
      }),
    )
  })
})

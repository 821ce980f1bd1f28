import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { checkContract } from '../../src/plugins/contract-version.ts'
import { ContractMismatch } from '../../src/plugins/errors.ts'

describe('checkContract', () => {
  const hintOf = (range: string) => {
    try {
      checkContract('hello', range, '1.4.0')
      return undefined
    } catch (error) {
      assert(error instanceof ContractMismatch)
      return error.hint
    }
  }

  it('takes ranges that hold the version', () => {
    for (const range of ['^1.0.0', '1.4.0', '>=1.2 <3', '*', '^0.9 || ^1'])
      assert.equal(hintOf(range), undefined, range)
  })

  it('says who must upgrade', () => {
    assert.match(hintOf('^2.0.0') ?? '', /^Coracle must be upgraded/)
    assert.match(hintOf('^1.5.0') ?? '', /^Coracle must be upgraded/)
    assert.match(hintOf('^0.9.0') ?? '', /^hello must be upgraded/)
    assert.match(hintOf('next') ?? '', /its author should write/)
  })
})

import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { parseExitRecord, readExitRecord } from '../../src/linux/exit-record.ts'
import { scratchDirectory } from '../support/scratch.ts'

const WHOLE = 'status=137\nsignal=9\noom=1\nfinished=1700000000123456789\nerror=\n'

describe('an exit record', () => {
  it('is read to the nanosecond', () => {
    const expected = { status: 137, signal: 9, oomKilled: true, finishedAtNs: 1_700_000_000_123_456_789n }
    assert.deepEqual(parseExitRecord(WHOLE), expected)
  })

  it('says why nothing ran', () => {
    assert.equal(
      parseExitRecord(WHOLE.replace('error=', 'error=not-found\t12\texec\tx'))?.error,
      'not-found\t12\texec\tx',
    )
  })

  it('that a crash of the machine cut short is none: never a success', () => {
    fc.assert(
      fc.property(fc.nat(WHOLE.indexOf('finished=')), (length) => {
        assert.equal(parseExitRecord(WHOLE.slice(0, length)), undefined)
      }),
    )
    assert.equal(parseExitRecord(''), undefined)
    assert.equal(parseExitRecord('status=999\nfinished=1\n'), undefined)
  })

  it('is undefined while there is none, and an error when it cannot be read', async () => {
    const directory = await scratchDirectory()
    assert.equal(readExitRecord(directory), undefined)
    mkdirSync(join(directory, 'exit'))
    assert.throws(() => readExitRecord(directory), { code: 'EISDIR' })
    writeFileSync(join(directory, 'file'), '')
    assert.throws(() => readExitRecord(join(directory, 'file')), { code: 'ENOTDIR' })
  })
})

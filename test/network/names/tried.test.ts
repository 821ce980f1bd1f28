import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { parseTried, readTried } from '../../../src/network/names/tried.ts'
import { scratchDirectory } from '../../support/scratch.ts'

const line = (fields: object) => `${JSON.stringify({ time: '2026-01-01T00:00:00.000000001Z', ...fields })}\n`

describe('readTried', () => {
  it('reads the older file first, and leaves out lines that make no sense', async () => {
    const directory = await scratchDirectory()
    assert.deepEqual(await readTried(directory), [])
    writeFileSync(join(directory, 'tried.1'), line({ kind: 'name', name: 'old.example' }))
    writeFileSync(
      join(directory, 'tried'),
      `{"time\n${line({ kind: 'connect', address: '::1', port: 1, protocol: 'tcp' })}`,
    )
    assert.deepEqual(
      (await readTried(directory)).map(({ time: _, ...rest }) => rest),
      [
        { kind: 'name', name: 'old.example' },
        { kind: 'connect', address: '::1', port: 1, protocol: 'tcp' },
      ],
    )
  })

  it('takes any line for one of ours or for none', () => {
    const fields = fc.record({ time: fc.anything(), kind: fc.constantFrom('name', 'connect', 1), name: fc.anything() })
    const json = fc.oneof(fields, fc.jsonValue()).map((value) => JSON.stringify(value) ?? '')
    fc.assert(
      fc.property(fc.oneof(fc.string(), json), (text) => {
        const tried = parseTried(text)
        assert(tried === undefined || typeof tried.time === 'string')
      }),
    )
  })
})

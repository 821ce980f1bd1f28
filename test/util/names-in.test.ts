import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { namesIn } from '../../src/util/names-in.ts'
import { scratchDirectory } from '../support/scratch.ts'

describe('the names in a directory', () => {
  it('are none once it is gone, or when it is a file', async () => {
    const directory = join(await scratchDirectory(), 'here')
    mkdirSync(directory)
    writeFileSync(join(directory, 'file'), '')
    assert.deepEqual(namesIn(directory), ['file'])
    assert.deepEqual(namesIn(join(directory, 'file')), [])
    rmSync(directory, { recursive: true })
    assert.deepEqual(namesIn(directory), [])
  })
})

import assert from 'node:assert/strict'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { makeDirectories } from '../../src/util/make-directories.ts'
import { scratchDirectory } from '../support/scratch.ts'

describe('making directories', () => {
  it('makes all that are missing, with the mode, and is content with what is there', async () => {
    const directory = await scratchDirectory()
    makeDirectories(join(directory, 'a/b/c'), 0o700)
    makeDirectories(join(directory, 'a/b/c'))
    for (const name of ['a', 'a/b', 'a/b/c']) assert.equal(statSync(join(directory, name)).mode & 0o777, 0o700, name)
  })

  it('says so where a file is in the way', async () => {
    const directory = await scratchDirectory()
    writeFileSync(join(directory, 'file'), '')
    assert.throws(() => makeDirectories(join(directory, 'file')), { code: 'EEXIST' })
    assert.throws(() => makeDirectories(join(directory, 'file/below')), { code: 'ENOTDIR' })
  })

  it('comes to an end where the kernel makes none', () => {
    assert.throws(() => makeDirectories('/proc/none/such'), { code: 'ENOENT' })
    assert.equal(existsSync('/proc/none'), false)
  })
})

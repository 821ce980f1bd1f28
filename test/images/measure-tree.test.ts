import assert from 'node:assert/strict'
import { linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { measureTree } from '../../src/images/check/measure-tree.ts'
import { scratchDirectory } from '../support/scratch.ts'

describe('measureTree', () => {
  it('counts names, and each file’s bytes once, as the unpacker does', async () => {
    const root = await scratchDirectory()
    mkdirSync(join(root, 'etc'))
    writeFileSync(join(root, 'etc/passwd'), '12345')
    linkSync(join(root, 'etc/passwd'), join(root, 'etc/shadow'))
    symlinkSync('/etc/passwd', join(root, 'link'))
    assert.deepEqual(await measureTree(root), { sizeBytes: 5, fileCount: 5 })
  })

  it('takes names of any bytes, and follows no symlink', async () => {
    const root = await scratchDirectory()
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xfe])]), 'odd')
    symlinkSync('/', join(root, 'away'))
    assert.deepEqual(await measureTree(root), { sizeBytes: 3, fileCount: 3 })
  })

  it('knows nothing of what has gone meanwhile', async () => {
    const root = await scratchDirectory()
    rmSync(root, { recursive: true })
    assert.equal(await measureTree(root), undefined)
  })
})

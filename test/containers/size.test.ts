import assert from 'node:assert/strict'
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { imageBytes, writtenBytes } from '../../src/containers/size.ts'
import { ImageNotFound } from '../../src/images/errors.ts'
import { scratchDirectory } from '../support/scratch.ts'

describe('what a container has written', () => {
  it('is the bytes of its files, hard links once, and nothing behind a link out of it', async () => {
    const root = await scratchDirectory()
    const upper = join(root, 'containers/abc/upper')
    mkdirSync(join(upper, 'etc'), { recursive: true })
    mkdirSync(join(root, 'host'))
    writeFileSync(join(root, 'host/large'), 'x'.repeat(1000))
    writeFileSync(join(upper, 'etc/one'), 'x'.repeat(10))
    linkSync(join(upper, 'etc/one'), join(upper, 'two'))
    writeFileSync(join(upper, 'three'), 'x'.repeat(5))
    symlinkSync(join(root, 'host'), join(upper, 'directory'))
    symlinkSync(join(root, 'host/large'), join(upper, 'file'))
    assert.equal(await writtenBytes({ root, run: root }, 'abc'), 15)
  })

  it('is nothing where there are no files', async () => {
    const root = await scratchDirectory()
    assert.equal(await writtenBytes({ root, run: root }, 'abc'), 0)
  })

  it('stands alone when the image was removed by force', async () => {
    assert.equal(await imageBytes({ inspect: () => Promise.reject(new ImageNotFound('gone')) }, 'gone'), 0)
  })
})

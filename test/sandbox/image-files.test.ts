import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, it } from 'mocha'
import { openImageFiles } from '../../src/sandbox/image-files.ts'
import { scratchDirectory } from '../support/scratch.ts'

describe('openImageFiles', () => {
  let upper = ''
  let lower = ''
  let scratch = ''

  beforeEach(async () => {
    scratch = await scratchDirectory()
    upper = join(scratch, 'upper')
    lower = join(scratch, 'lower')
    for (const layer of [upper, lower]) mkdirSync(join(layer, 'etc'), { recursive: true })
    writeFileSync(join(scratch, 'secret'), 'the host')
  })

  const open = () => openImageFiles([upper, lower])
  const read = (path: string) => open().read(path)?.toString()
  const paths = () => [...open().walk()].map(({ path }) => path)

  it('shows the upper file of two, and what only a lower layer has', () => {
    writeFileSync(join(upper, 'etc/a'), 'new')
    writeFileSync(join(lower, 'etc/a'), 'old')
    writeFileSync(join(lower, 'etc/b'), 'below')
    assert.deepEqual([read('/etc/a'), read('etc/b'), read('/etc/c')], ['new', 'below', undefined])
    assert.deepEqual(paths(), ['/etc', '/etc/a', '/etc/b'])
  })

  it('follows links, absolute ones from the root of the image', () => {
    writeFileSync(join(lower, 'etc/real'), 'found')
    symlinkSync('/etc', join(upper, 'settings'))
    symlinkSync('settings/real', join(upper, 'shortcut'))
    assert.equal(read('/shortcut'), 'found')
  })

  it('has no way out: neither by .. nor by links to the host', () => {
    symlinkSync(join(scratch, 'secret'), join(upper, 'absolute'))
    symlinkSync('../../secret', join(upper, 'relative'))
    symlinkSync('/', join(upper, 'root'))
    for (const path of [
      '/absolute',
      '/relative',
      '/../secret',
      '/root/../../secret',
      `/root${scratch}/secret`,
      '/etc/../../secret',
    ])
      assert.equal(read(path), undefined, path)
    assert.deepEqual(paths(), ['/etc'])
  })

  it('gives up on links that go round in circles', () => {
    symlinkSync('b', join(upper, 'a'))
    symlinkSync('a', join(upper, 'b'))
    assert.equal(read('/a'), undefined)
  })

  it('hides what a whiteout takes away, with everything below it', function () {
    if (process.geteuid?.() !== 0) {
      console.log('skipped: whiteouts are device nodes, which only root makes')
      this.skip()
    }
    writeFileSync(join(lower, 'etc/gone'), 'old')
    mkdirSync(join(lower, 'opt/deep'), { recursive: true })
    writeFileSync(join(lower, 'opt/deep/file'), 'old')
    for (const name of ['etc/gone', 'opt']) execFileSync('mknod', [join(upper, name), 'c', '0', '0'])
    assert.deepEqual([read('/etc/gone'), read('/opt/deep/file')], [undefined, undefined])
    assert.deepEqual(paths(), ['/etc'])
  })
})

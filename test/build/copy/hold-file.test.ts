import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { holdFile } from '../../../src/build/copy/hold-file.ts'
import { SourceMissing } from '../../../src/build/errors.ts'
import { scratchDirectory } from '../../support/scratch.ts'

/** A context with a file in a directory, and the same below a directory that is none of its business. */
async function contextAndHost() {
  const directory = await scratchDirectory()
  const [root, host] = [join(directory, 'context'), join(directory, 'host')]
  mkdirSync(join(root, 'd'), { recursive: true })
  mkdirSync(host)
  writeFileSync(join(root, 'd/a.tar'), 'the context')
  writeFileSync(join(host, 'a.tar'), 'the host')
  const swap = () => {
    renameSync(join(root, 'd'), join(root, 'before'))
    symlinkSync(host, join(root, 'd'))
  }
  return { root, host, swap }
}

describe('holdFile', () => {
  it('opens nothing by way of a directory that has become a link', async () => {
    const { root, host, swap } = await contextAndHost()
    swap()
    symlinkSync(join(host, 'a.tar'), join(root, 'link'))
    await using stack = new AsyncDisposableStack()
    for (const path of ['d/a.tar', 'link', 'none', 'before/a.tar/x'])
      assert.throws(() => holdFile(root, path, stack), SourceMissing, path)
  })

  it('gives the same file until it is let go, here and to other programs', async () => {
    const { root, host, swap } = await contextAndHost()
    const before = readdirSync('/proc/self/fd').length
    {
      await using stack = new AsyncDisposableStack()
      const path = holdFile(root, 'd/a.tar', stack) ?? ''
      swap()
      assert.equal(readFileSync(join(root, 'd/a.tar'), 'utf8'), readFileSync(join(host, 'a.tar'), 'utf8'))
      assert.equal(readFileSync(path, 'utf8'), 'the context')
      assert.equal(execFileSync('cat', [path], { encoding: 'utf8' }), 'the context')
    }
    assert.equal(readdirSync('/proc/self/fd').length, before)
  })

  it('waits for no pipe, and takes any name', async () => {
    const { root } = await contextAndHost()
    await using stack = new AsyncDisposableStack()
    execFileSync('mkfifo', [join(root, 'p')])
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff])]), 'x')
    assert.equal(holdFile(root, 'p', stack), undefined)
    assert.equal(readFileSync(holdFile(root, '\xff', stack) ?? '', 'utf8'), 'x')
  })
})

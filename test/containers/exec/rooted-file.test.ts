import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { readRootedFile } from '../../../src/containers/exec/rooted-file.ts'
import { scratchDirectory } from '../../support/scratch.ts'

const LIMIT = 1000

/** A root with `etc/`, beside a file that is none of its business. */
async function scratchRoot(): Promise<{ root: string; read: (path: string) => string | undefined }> {
  const directory = await scratchDirectory()
  const root = join(directory, 'root')
  mkdirSync(join(root, 'etc'), { recursive: true })
  writeFileSync(join(directory, 'passwd'), 'the host')
  return {
    root,
    read: (path) => {
      const descriptor = openSync(root, 'r')
      try {
        return readRootedFile(descriptor, path, LIMIT)
      } finally {
        closeSync(descriptor)
      }
    },
  }
}

describe('readRootedFile', () => {
  it('reads a file below the root', async () => {
    const { root, read } = await scratchRoot()
    writeFileSync(join(root, 'etc/passwd'), 'the container')
    assert.equal(read('/etc/passwd'), 'the container')
    assert.equal(read('etc/./../etc//passwd'), 'the container')
  })

  it('takes absolute links from the root, never from the host’s', async () => {
    const { root, read } = await scratchRoot()
    writeFileSync(join(root, 'etc/real'), 'the container')
    symlinkSync('/etc/real', join(root, 'etc/passwd'))
    assert.equal(read('/etc/passwd'), 'the container')
    symlinkSync('/etc/hostname', join(root, 'etc/group'))
    assert.equal(read('/etc/group'), undefined)
  })

  it('does not climb out by links that go up', async () => {
    const { root, read } = await scratchRoot()
    symlinkSync('../../passwd', join(root, 'etc/passwd'))
    symlinkSync('../..', join(root, 'etc/up'))
    assert.equal(read('/etc/passwd'), undefined)
    assert.equal(read('/etc/up/passwd'), undefined)
    assert.equal(read('../passwd'), undefined)
  })

  it('does not follow the magic links of a process file system', async () => {
    const { root, read } = await scratchRoot()
    symlinkSync(`/proc/${process.pid}/root/etc/hostname`, join(root, 'etc/passwd'))
    assert.equal(read('/etc/passwd'), undefined)
  })

  it('gives up on links that go round', async () => {
    const { root, read } = await scratchRoot()
    symlinkSync('passwd', join(root, 'etc/passwd'))
    assert.equal(read('/etc/passwd'), undefined)
  })

  it('opens no pipe, which would wait for ever, and no directory', async () => {
    const { root, read } = await scratchRoot()
    execFileSync('mkfifo', [join(root, 'etc/passwd')])
    assert.equal(read('/etc/passwd'), undefined)
    assert.equal(read('/etc'), undefined)
  })

  it('takes a file that is too large for missing', async () => {
    const { root, read } = await scratchRoot()
    writeFileSync(join(root, 'etc/passwd'), 'x'.repeat(LIMIT + 1))
    assert.equal(read('/etc/passwd'), undefined)
  })

  it('leaves no descriptor open', async () => {
    const { root, read } = await scratchRoot()
    writeFileSync(join(root, 'etc/passwd'), 'x')
    for (let round = 0; round < 20; round++) read('/etc/passwd')
    const open = readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`)
      } catch {
        return '' // other parts of this process open and close theirs
      }
    })
    assert.deepEqual(
      open.filter((path) => path.startsWith(root)),
      [],
    )
  })
})

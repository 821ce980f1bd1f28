import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { FILE_TYPE } from '../../../src/sandbox/preview1/abi.ts'
import { codeOf } from '../../../src/sandbox/preview1/errno.ts'
import type { Directory } from '../../../src/sandbox/preview1/files.ts'
import { openHostDirectory } from '../../../src/sandbox/preview1/host-directory.ts'
import { type WalkOptions, withPlace } from '../../../src/sandbox/preview1/paths.ts'
import { scratchDirectory } from '../../support/scratch.ts'

/** A directory given to a module, with a secret beside it. */
async function given(): Promise<{ root: string; open: Directory }> {
  const scratch = await scratchDirectory()
  const root = join(scratch, 'given')
  mkdirSync(join(root, 'a/b'), { recursive: true })
  mkdirSync(join(scratch, 'beside'))
  writeFileSync(join(scratch, 'beside/secret'), 'secret')
  writeFileSync(join(root, 'a/file'), 'inside')
  return { root, open: openHostDirectory(root) }
}

/** Which entry a path leads to, or the refusal. */
function walk(open: Directory, path: string, options: Partial<WalkOptions> = {}): string {
  try {
    return withPlace(open, { path, end: 'follow', ...options }, ({ directory, name }) => {
      const status = name === undefined ? directory.status() : directory.lookup(name)
      return `${name ?? '.'} ${Object.keys(FILE_TYPE)[status.type]}`
    })
  } catch (error) {
    return codeOf(error) ?? 'a fault'
  }
}

describe('withPlace', () => {
  it('goes through directories, dots and double slashes', async () => {
    const { open } = await given()
    assert.equal(walk(open, 'a/.//b/../../a/file'), 'file regularFile')
    assert.equal(walk(open, '.'), '. directory')
    assert.equal(walk(open, 'a/b/..'), '. directory')
    assert.equal(walk(open, 'a/b/'), 'b directory')
    open.close()
  })

  it('refuses to go above where it starts, also on the way and also when the way comes back', async () => {
    const { open } = await given()
    for (const path of ['..', '../given/a/file', 'a/../../given/a/file', 'a/b/../../../beside/secret', '/etc/passwd'])
      assert.equal(walk(open, path), 'ENOTCAPABLE', path)
    open.close()
  })

  it('tells missing components and files in the middle as the kernel does', async () => {
    const { open } = await given()
    assert.equal(walk(open, ''), 'ENOENT')
    assert.equal(walk(open, 'a\0'), 'EINVAL')
    assert.equal(walk(open, 'none/file'), 'ENOENT')
    assert.equal(walk(open, 'a/file/x'), 'ENOTDIR')
    assert.equal(walk(open, 'a/file/..'), 'ENOTDIR')
    open.close()
  })

  it('follows links that stay inside, and no others', async () => {
    const { root, open } = await given()
    symlinkSync('../a/./file', join(root, 'a/inside'))
    symlinkSync('../beside/secret', join(root, 'out'))
    symlinkSync('a/b/../../..', join(root, 'above'))
    symlinkSync('/etc/passwd', join(root, 'absolute'))
    symlinkSync('loop', join(root, 'loop'))
    symlinkSync('nowhere', join(root, 'dangling'))
    assert.equal(walk(open, 'a/inside'), 'file regularFile')
    assert.equal(walk(open, 'out'), 'ENOTCAPABLE')
    assert.equal(walk(open, 'above/beside/secret'), 'ENOTCAPABLE')
    assert.equal(walk(open, 'absolute'), 'ENOTCAPABLE')
    assert.equal(walk(open, 'loop'), 'ELOOP')
    assert.equal(walk(open, 'loop/x'), 'ELOOP')
    assert.equal(walk(open, 'dangling'), 'ENOENT')
    open.close()
  })

  it('keeps a link at the end when asked to, but for a slash after it', async () => {
    const { root, open } = await given()
    symlinkSync('a', join(root, 'link'))
    assert.equal(walk(open, 'link', { end: 'keep' }), 'link symbolicLink')
    assert.equal(walk(open, 'link', { end: 'slash' }), 'link symbolicLink')
    assert.equal(walk(open, 'link/', { end: 'slash' }), 'a directory')
    assert.equal(walk(open, 'link/', { end: 'keep' }), 'link symbolicLink')
    assert.equal(walk(open, 'link/file', { end: 'keep' }), 'file regularFile')
    open.close()
  })

  it('leads absolute links to the root that it is given', async () => {
    const { root, open } = await given()
    symlinkSync('/a/file', join(root, 'a/b/absolute'))
    symlinkSync('/../beside/secret', join(root, 'a/b/above'))
    assert.equal(walk(open, 'a/b/absolute', { linkRoot: open }), 'file regularFile')
    assert.equal(walk(open, 'a/b/above', { linkRoot: open }), 'ENOTCAPABLE')
    open.close()
  })

  it('stays on the directory it has reached when somebody puts another in its place', async () => {
    const { root, open } = await given()
    const inner = open.enter('a')
    renameSync(join(root, 'a'), join(root, 'moved'))
    symlinkSync('../beside', join(root, 'a'))
    assert.equal(walk(inner, 'file'), 'file regularFile')
    assert.equal(walk(inner, 'secret'), 'ENOENT')
    inner.close()
    open.close()
  })

  it('sees at once that a directory on the way is another one by now', async () => {
    const { root, open } = await given()
    assert.equal(walk(open, 'a/b/x'), 'ENOENT')
    renameSync(join(root, 'a/b'), join(root, 'a/old'))
    assert.equal(walk(open, 'a/b/x'), 'ENOENT')
    mkdirSync(join(root, 'a/b'))
    writeFileSync(join(root, 'a/b/x'), '')
    assert.equal(walk(open, 'a/b/x'), 'x regularFile')
    assert.equal(walk(open, 'a/old/x'), 'ENOENT')
    open.close()
  })

  it('gathers no descriptors', async () => {
    const { root, open } = await given()
    symlinkSync('../../..', join(root, 'a/b/out'))
    const everywhere = () => {
      for (const path of ['a/b/../b/.', 'a/b/out/x', 'a/file/x', 'a/none/x', 'a/b/..']) walk(open, path)
    }
    everywhere() // of the way last gone the handles are kept
    const before = readdirSync('/proc/self/fd').length
    everywhere()
    assert.equal(readdirSync('/proc/self/fd').length, before)
    open.close()
    assert.equal(readdirSync('/proc/self/fd').length, before - 3)
  })
})

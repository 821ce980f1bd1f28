import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { FILE_TYPE } from '../../../src/sandbox/preview1/abi.ts'
import { codeOf } from '../../../src/sandbox/preview1/errno.ts'
import type { Directory } from '../../../src/sandbox/preview1/files.ts'
import { openHostDirectory } from '../../../src/sandbox/preview1/host-directory.ts'
import { openLayers } from '../../../src/sandbox/preview1/layered-directory.ts'
import { withPlace } from '../../../src/sandbox/preview1/paths.ts'
import { scratchDirectory } from '../../support/scratch.ts'

const READ = { read: true, write: false, create: false, exclusive: false, truncate: false, flags: 0 }

function read(directory: Directory, path: string): string {
  return withPlace(directory, { path, end: 'follow' }, ({ directory: parent, name = '' }) => {
    const file = parent.openFile(name, READ)
    const bytes = Buffer.alloc(64)
    const size = file.read([bytes], 0)
    file.close()
    return bytes.toString('utf8', 0, size)
  })
}

function write(directory: Directory, path: string, text: string): void {
  withPlace(directory, { path, end: 'follow' }, ({ directory: parent, name = '' }) => {
    const file = parent.openFile(name, { ...READ, write: true, create: true, truncate: true })
    file.write([Buffer.from(text)], 0)
    file.close()
  })
}

const names = (directory: Directory): string[] =>
  directory
    .entries()
    .map(({ name }) => name)
    .toSorted()

async function layers(files: Readonly<Record<string, string>>[]) {
  const scratch = await scratchDirectory()
  const lower = files.map((layer, index) => {
    const root = join(scratch, `lower${index}`)
    mkdirSync(root)
    for (const [path, text] of Object.entries(layer)) {
      mkdirSync(join(root, path, '..'), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    return root
  })
  const upper = join(scratch, 'upper')
  mkdirSync(upper)
  return { lower, upper }
}

describe('a directory in layers', () => {
  it('shows the topmost of each name, and what layers below add', async () => {
    const { lower } = await layers([{ 'etc/a': 'upper a' }, { 'etc/a': 'lower a', 'etc/b': 'lower b', 'var/c': 'c' }])
    const root = openLayers({ lower })
    assert.deepEqual(names(root), ['etc', 'var'])
    assert.equal(read(root, 'etc/a'), 'upper a')
    assert.equal(read(root, 'etc/b'), 'lower b')
    root.close()
  })

  it('honours what a layer marks as gone, and hides the marks', async () => {
    const { lower } = await layers([
      { '.wh.gone': '', 'opaque/.wh..wh..opq': '', 'opaque/new': 'new' },
      { gone: 'x', kept: 'y', 'opaque/old': 'old' },
    ])
    const root = openLayers({ lower })
    assert.deepEqual(names(root), ['kept', 'opaque'])
    assert.throws(() => read(root, 'gone'), { message: 'ENOENT' })
    assert.throws(() => read(root, '.wh.gone'), { message: 'ENOENT' })
    assert.throws(() => read(root, 'opaque/old'), { message: 'ENOENT' })
    assert.equal(read(root, 'opaque/new'), 'new')
    root.close()
  })

  it('cannot be changed without a layer that takes the changes', async () => {
    const { lower } = await layers([{ file: 'x' }])
    const root = openLayers({ lower })
    assert.throws(() => write(root, 'file', 'y'), { message: 'EROFS' })
    assert.throws(() => write(root, 'new', 'y'), { message: 'EROFS' })
    assert.throws(() => root.removeFile('file'), { message: 'EROFS' })
    assert.throws(() => root.makeDirectory('d'), { message: 'EROFS' })
    root.close()
  })

  it('takes no name that could be taken for a mark', async () => {
    const { lower, upper } = await layers([{ file: 'x' }])
    const root = openLayers({ lower, upper })
    assert.throws(() => write(root, '.wh.file', ''), { message: 'EINVAL' })
    assert.throws(() => root.rename('file', root, '.wh..wh..opq'), { message: 'EINVAL' })
    assert.equal(read(root, 'file'), 'x')
    root.close()
  })

  it('leaves the layers below as they are, and finds its changes again', async () => {
    const { lower, upper } = await layers([{ 'a/file': 'old', 'a/other': 'kept', 'b/x': 'x' }])
    const root = openLayers({ lower, upper })
    write(root, 'a/file', 'new')
    withPlace(root, { path: 'a/other', end: 'keep' }, ({ directory }) => directory.removeFile('other'))
    root.close()
    assert.equal(readFileSync(join(lower[0] ?? '', 'a/file'), 'utf8'), 'old')
    assert.deepEqual(readdirSync(join(lower[0] ?? '', 'a')), ['file', 'other'])

    const again = openLayers({ lower, upper })
    assert.equal(read(again, 'a/file'), 'new')
    assert.throws(() => read(again, 'a/other'), { message: 'ENOENT' })
    again.close()
  })

  it('does not show old entries in a directory that is removed and made again', async () => {
    const { lower, upper } = await layers([{ 'd/file': 'old' }])
    const root = openLayers({ lower, upper })
    withPlace(root, { path: 'd/file', end: 'keep' }, ({ directory }) => directory.removeFile('file'))
    root.removeDirectory('d')
    assert.deepEqual(names(root), [])
    root.makeDirectory('d')
    assert.throws(() => read(root, 'd/file'), { message: 'ENOENT' })
    root.close()
  })

  it('behaves as one directory does, whatever is done to it', async function () {
    this.timeout(120_000)
    const path = fc.constantFrom('f', 'd', 'd/f', 'd/g', 'd/e', 'd/e/f', 'l', 'n', 'n/f')
    const step = fc.record({
      act: fc.constantFrom('write', 'mkdir', 'rmdir', 'unlink', 'rename', 'link', 'symlink', 'read', 'list'),
      from: path,
      to: path,
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { lower, upper } = await layers([
          { f: '1', 'd/f': '2', 'd/e/f': '3' },
          { 'd/g': '4', f: '5' },
        ])
        symlinkSync('d/f', join(lower[0] ?? '', 'l'))
        const plainPath = join(upper, '../plain')
        for (const layer of lower.toReversed()) cpSync(layer, plainPath, { recursive: true, verbatimSymlinks: true })
        const [plain, layered] = [openHostDirectory(plainPath), openLayers({ lower, upper })]
        for (const { act, from, to } of steps) {
          const done = perform(layered, [act, from, to])
          if (done === 'EXDEV') continue // of a directory that layers below have a part in: overlayfs says the same
          assert.equal(done, perform(plain, [act, from, to]), `${act} ${from} ${to}`)
        }
        assert.deepEqual(treeOf(layered), treeOf(plain))
        plain.close()
        layered.close()
      }),
      { numRuns: 60 },
    )
  })
})

/** What it answered: a text, or the name of the failure. */
function perform(root: Directory, [act, from, to]: readonly [string, string, string]): string {
  try {
    if (act === 'read') return read(root, from)
    if (act === 'write') write(root, from, `written as ${from}`)
    else
      withPlace(root, { path: from, end: 'keep' }, ({ directory, name = '' }) => {
        if (act === 'mkdir') directory.makeDirectory(name)
        if (act === 'rmdir') directory.removeDirectory(name)
        if (act === 'unlink') directory.removeFile(name)
        if (act === 'symlink') directory.makeLink(name, to)
        if (act === 'rename' || act === 'link')
          withPlace(root, { path: to, end: 'keep' }, (target) =>
            directory[act](name, target.directory, target.name ?? ''),
          )
      })
    return 'done'
  } catch (error) {
    return codeOf(error) ?? String(error)
  }
}

function treeOf(directory: Directory): unknown {
  return directory
    .entries()
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, type }) => {
      if (type === FILE_TYPE.symbolicLink) return [name, directory.readLink(name)]
      if (type !== FILE_TYPE.directory) return [name, read(directory, name)]
      const entered = directory.enter(name)
      const inside = treeOf(entered)
      entered.close()
      return [name, inside]
    })
}

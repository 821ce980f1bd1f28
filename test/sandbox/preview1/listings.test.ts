import assert from 'node:assert/strict'
import { linkSync, lstatSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { FILE_TYPE } from '../../../src/sandbox/preview1/abi.ts'
import type { Directory } from '../../../src/sandbox/preview1/files.ts'
import { openHostDirectory } from '../../../src/sandbox/preview1/host-directory.ts'
import { openLayers } from '../../../src/sandbox/preview1/layered-directory.ts'
import { type Listing, takeListing } from '../../../src/sandbox/preview1/listings.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'

interface Entry {
  readonly name: string
  readonly next: bigint
  readonly inode: bigint
  readonly type: number
}

/** As a module reads it. */
function read({ bytes, starts }: Listing): Entry[] {
  return starts.map((at) => ({
    name: bytes.toString('utf8', at + 24, at + 24 + bytes.readUInt32LE(at + 16)),
    next: bytes.readBigUInt64LE(at),
    inode: bytes.readBigUInt64LE(at + 8),
    type: bytes.readUInt32LE(at + 20),
  }))
}

const inodeOf = (path: string) => lstatSync(path, { bigint: true }).ino

function isKept(directory: Directory): boolean {
  const first = takeListing(directory)
  return takeListing(directory) === first
}

describe('a listing', () => {
  let root = ''
  beforeEach(async () => {
    root = await scratchDirectory()
    mkdirSync(join(root, 'd'))
    for (const name of ['one', 'zwei-ä-€-🛶']) writeFileSync(join(root, 'd', name), name)
    symlinkSync('one', join(root, 'd/link'))
  })
  afterEach(() => rmSync(root, { recursive: true }))

  it('tells name, number and type of each entry, and at which cookie the next begins', () => {
    const directory = openHostDirectory(join(root, 'd'))
    const entries = read(takeListing(directory))
    directory.close()
    assert.deepEqual(
      entries.map(({ name, type }) => [name, type]),
      [
        ['.', FILE_TYPE.directory],
        ['..', FILE_TYPE.directory],
        ['link', FILE_TYPE.symbolicLink],
        ['one', FILE_TYPE.regularFile],
        ['zwei-ä-€-🛶', FILE_TYPE.regularFile],
      ],
    )
    assert.deepEqual(
      entries.map(({ next }) => next),
      [1n, 2n, 3n, 4n, 5n],
    )
    assert.equal(entries[3]?.inode, inodeOf(join(root, 'd/one')))
  })

  it('tells of the directory above nothing but that it is there', () => {
    const directory = openHostDirectory(join(root, 'd'))
    const [itself, above] = read(takeListing(directory))
    directory.close()
    assert.equal(itself?.inode, inodeOf(join(root, 'd')))
    assert.equal(above?.inode, itself?.inode)
  })

  it('is not kept of what changed just now, for it could change again at the same time of its clock', () => {
    const directory = openHostDirectory(join(root, 'd'))
    const started = Date.now()
    writeFileSync(join(root, 'd/new'), '')
    const kept = isKept(directory)
    if (Date.now() - started < 80) assert(!kept) // else the machine slept in between
    directory.close()
  })

  it('is kept until an entry comes, goes, or is another file or of another type under the same name', async () => {
    const directory = openHostDirectory(join(root, 'd'))
    const settled = () => until('the directory is settled', () => isKept(directory))
    const changes = [
      () => writeFileSync(join(root, 'd/new'), ''),
      () => rmSync(join(root, 'd/new')),
      () => renameSync(join(root, 'd/zwei-ä-€-🛶'), join(root, 'd/one')),
      () => {
        rmSync(join(root, 'd/link'))
        linkSync(join(root, 'd/one'), join(root, 'd/link'))
      },
    ]
    for (const change of changes) {
      await settled()
      change()
      const entries = read(takeListing(directory))
      for (const { name, inode, type } of entries.slice(2)) {
        assert.equal(inode, inodeOf(join(root, 'd', name)), name)
        assert.equal(type, directory.lookup(name).type, name)
      }
    }
    directory.close()
  })

  it('is never kept of layers', async () => {
    const below = openHostDirectory(join(root, 'd'))
    await until('the directory is settled', () => isKept(below))
    below.close()
    const layers = openLayers({ lower: [join(root, 'd')] })
    assert(!isKept(layers))
    layers.close()
  })

  it('is forgotten when too much would be kept', async () => {
    const names = Array.from({ length: 400 }, (_, index) => `${index}`.padStart(255, 'x'))
    const directories = Array.from({ length: 12 }, (_, index) => {
      mkdirSync(join(root, `big${index}`))
      for (const name of names) linkSync(join(root, 'd/one'), join(root, `big${index}`, name))
      return openHostDirectory(join(root, `big${index}`))
    })
    const last = directories.at(-1)
    assert(last !== undefined)
    await until('the last is settled', () => isKept(last))
    const taken = directories.map(takeListing)
    assert.equal(taken.at(-1), takeListing(last))
    assert.notEqual(taken[0], directories.slice(0, 1).map(takeListing)[0])
    for (const directory of directories) directory.close()
  })
})

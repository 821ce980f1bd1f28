import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, openSync, symlinkSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, it } from 'mocha'
import { digestFiles, readTree, sumTree } from '../../src/linux/archive.ts'
import { ApplyFailed } from '../../src/linux/errors.ts'
import { describeNative, type Native } from '../support/native.ts'
import { scratchDirectory } from '../support/scratch.ts'
import { recordTree } from '../support/tree-recorder.ts'

describeNative('the archive job, without content', (native: () => Native) => {
  let root = ''
  const path = (name: string) => join(root, name)
  const digests = (...names: string[]) => digestFiles(root, names, { native: native() })
  beforeEach(async () => {
    root = await scratchDirectory()
  })

  it('tells of every entry what it tells with content', async () => {
    for (const name of ['d/e', 'd/empty', 'z']) mkdirSync(path(name), { recursive: true })
    for (const name of ['a', 'd/b', 'd/e/c', 'd/f', 'z/g']) writeFileSync(path(name), name)
    linkSync(path('a'), path('d/e/second'))
    symlinkSync('../a', path('d/link'))
    symlinkSync('nowhere', path('z/link'))
    execFileSync('mkfifo', [path('d/pipe')])
    execFileSync('setfattr', ['-n', 'user.note', '-v', 'hello', path('d/f')])
    execFileSync('setfattr', ['-n', 'user.note', '-v', 'below', path('d/e')])
    const read = async (content: boolean) => {
      const sink = recordTree()
      await readTree(root, '', { follow: false, content, sink, native: native() })
      return sink.entries
    }
    const entries = await read(false)
    assert.deepEqual(entries, await read(true))
    assert.equal(
      entries
        .find((entry) => entry.path === 'd/f')
        ?.xattrs.get('user.note')
        ?.toString(),
      'hello',
    )
  })

  it('passes a directory by that it may not read, where it is asked to, and tells so', async () => {
    for (const name of ['d/shut', 'z']) mkdirSync(path(name), { recursive: true })
    for (const name of ['d/shut/in', 'd/with', 'z/g']) writeFileSync(path(name), name)
    chmodSync(path('d/shut'), 0)
    // Root may read anything, but for its capabilities.
    const { argv, env } = native()
    const powerless = process.getuid?.() === 0 ? (['setpriv', '--bounding-set=-all', ...argv] as const) : argv
    const options = { follow: false, content: false, native: { argv: powerless, ...(env && { env }) } }
    const sink = recordTree()
    await readTree(root, '', { ...options, tolerant: true, sink })
    const seen = sink.entries.filter((entry) => entry.path !== '').map((entry) => [entry.path, entry.change])
    assert.deepEqual(seen, [
      ['d', 'same'],
      ['d/shut', 'same'],
      ['d/shut', 'unreadable'],
      ['d/with', 'same'],
      ['z', 'same'],
      ['z/g', 'same'],
    ])
    const sum = () => sumTree(root, '', { ...options, tolerant: true })
    const before = await sum()
    assert.equal(await sum(), before)
    await assert.rejects(readTree(root, '', { ...options, sink: recordTree() }), /open d\/shut: Permission denied/)
    await assert.rejects(sumTree(root, '', options), ApplyFailed)
    chmodSync(path('d/shut'), 0o700)
    assert.notEqual(await sum(), before)
  })

  it('digests content as BLAKE2b does, whatever its length', async () => {
    const sizes = [0, 1, 127, 128, 129, 255, 256, 257, 4096, (1 << 20) - 1, 1 << 20, (1 << 20) + 129]
    for (const size of sizes) writeFileSync(path(`${size}`), Buffer.alloc(size, 'coracle'))
    const expected = sizes.map((size) =>
      createHash('blake2b512').update(Buffer.alloc(size, 'coracle')).digest('hex').slice(0, 64),
    )
    assert.deepEqual(await digests(...sizes.map(String)), expected)
  })

  it('digests a file with holes by its data and where it is', async () => {
    const makeSparse = (name: string, at: number) => {
      const file = openSync(path(name), 'w')
      writeSync(file, 'end', at)
      truncateSync(path(name), 2 ** 40)
    }
    makeSparse('one', 1 << 30)
    makeSparse('same', 1 << 30)
    makeSparse('other', 1 << 31)
    const [one, same, other] = await digests('one', 'same', 'other')
    assert.equal(one, same)
    assert.notEqual(one, other)
  })

  it('has no digest of what is gone, no file, or behind a link', async () => {
    mkdirSync(path('d'))
    writeFileSync(path('d/f'), 'there')
    symlinkSync('d', path('way'))
    symlinkSync('/etc/passwd', path('out'))
    execFileSync('mkfifo', [path('pipe')])
    const found = await digests('d/f', 'gone', 'd', 'way/f', 'out', 'pipe', 'd/f/x')
    assert.deepEqual(
      found.map((digest) => digest !== undefined),
      [true, false, false, false, false, false, false],
    )
    await assert.rejects(digests('../escape'), ApplyFailed)
  })
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, it } from 'mocha'
import { byteString, openApplier } from '../../src/linux/apply.ts'
import { ApplyFailed } from '../../src/linux/errors.ts'
import { StepWriter, stringBytes } from '../../src/linux/step-writer.ts'
import { describeNative, type Native } from '../support/native.ts'
import { scratchDirectory } from '../support/scratch.ts'

const ATTRIBUTES = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0 }

describeNative('openApplier', (native: () => Native) => {
  let root = ''
  beforeEach(async () => {
    const scratch = await scratchDirectory()
    root = join(scratch, 'root')
    await mkdir(root)
    await writeFile(join(scratch, 'host'), 'the host')
  })

  it('writes pieces of any size as one file', async () => {
    const pieces = fc.array(fc.integer({ min: 0, max: 100_000 }), { maxLength: 8 })
    const parts = fc.tuple(pieces, fc.constantFrom(0, 1))
    await fc.assert(
      fc.asyncProperty(parts, async ([sizes, byte]) => {
        const chunks = sizes.map((size, index) => Buffer.alloc(size, byte * (index + 1)))
        const content = Buffer.concat(chunks)
        await using applier = openApplier(root, { native: native() })
        applier.file('f', ATTRIBUTES, content.length)
        for (const chunk of chunks) applier.data(chunk)
        applier.end()
        await applier.finish()
        assert(content.equals(await readFile(join(root, 'f'))))
      }),
      { numRuns: 30 },
    )
  })

  it('says which step failed, on what, and why', async () => {
    await using applier = openApplier(root, { native: native() })
    applier.file('f', ATTRIBUTES, 0)
    applier.end()
    applier.hardLink('h', byteString('mïssing'))
    await assert.rejects(applier.finish(), (error: Error) => {
      assert(error instanceof ApplyFailed)
      assert.deepEqual([error.step, error.object, error.errno], ['3', 'mïssing', 2])
      return true
    })
  })

  it('fails when its directory is missing or a symlink', async () => {
    for (const name of ['missing', 'link']) {
      spawnSync('ln', ['-s', root, join(root, 'link')])
      await using applier = openApplier(join(root, name), { native: native() })
      await assert.rejects(applier.finish(), ApplyFailed)
    }
  })

  it('takes no half of the steps for all of them', () => {
    const steps = Buffer.concat(someSteps())
    for (const end of [0, 4, steps.length - 30, steps.length - 1]) {
      const { stdout } = run(native(), steps.subarray(0, end))
      assert.match(stdout, /^FAILED/, `cut at ${end}`)
    }
    assert.equal(run(native(), steps).stdout, 'OK\n')
  })

  it('survives whatever it is sent, and stays inside', async () => {
    const steps = Buffer.concat(someSteps())
    const change = fc.tuple(fc.nat(steps.length - 1), fc.nat(255))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const changed = Buffer.from(steps)
        for (const [at, byte] of changes) changed[at] = byte
        const { stdout, status } = run(native(), changed)
        assert.match(stdout, /^(?:OK\n|FAILED\t)/)
        assert(status === 0 || status === 1, `ended with ${status}`)
      }),
      { numRuns: 100 },
    )
    assert.deepEqual((await readdir(join(root, '..'))).toSorted(), ['host', 'root'])
    assert.equal(await readFile(join(root, '../host'), 'utf8'), 'the host')
  })

  it('refuses steps out of order', () => {
    const orders: ((writer: StepWriter) => unknown)[] = [
      (writer) => writer.data(Buffer.from('x')),
      (writer) => writer.begin(5, 8).i64(1),
      (writer) => writer.begin(6, 0),
      (writer) => writer.begin(99, 0),
      (writer) =>
        writer
          .begin(3, stringBytes('f') + 32)
          .string('f')
          .attributes(ATTRIBUTES)
          .i64(-1),
      (writer) =>
        writer
          .begin(3, stringBytes('..') + 32)
          .string('..')
          .attributes(ATTRIBUTES)
          .i64(0),
    ]
    for (const order of orders) {
      const writer = new StepWriter()
      order(writer)
      writer.begin(12, 0)
      assert.match(run(native(), Buffer.concat(writer.take().parts)).stdout, /^FAILED/)
    }
  })

  const run = ({ argv: [program, ...words], env }: Native, input: Buffer) =>
    spawnSync(program, [...words, 'apply', root], { input, encoding: 'utf8', env: { ...process.env, ...env } })
})

/** One of each kind, and the end. */
function someSteps(): readonly Uint8Array[] {
  const writer = new StepWriter()
  const path = (code: number, name: string, more: number) => writer.begin(code, stringBytes(name) + more).string(name)
  path(2, 'd', 24).attributes(ATTRIBUTES)
  path(3, 'd/f', 32).attributes(ATTRIBUTES).i64(10)
  writer.data(Buffer.from('12345'))
  writer.begin(5, 8).i64(5)
  writer
    .begin(11, stringBytes('user.a') + 5)
    .string('user.a')
    .bytes(Buffer.from('b'))
  writer.begin(6, 0)
  path(7, 's', stringBytes('d') + 24)
    .string('d')
    .attributes(ATTRIBUTES)
  path(8, 'h', stringBytes('d/f')).string('d/f')
  path(9, 'n', 32)
    .attributes({ ...ATTRIBUTES, mode: 0o010644 })
    .u32(0)
    .u32(0)
  path(10, 'd/w', stringBytes('trusted.o')).string('trusted.o')
  path(14, 'o', stringBytes('trusted.o')).string('trusted.o')
  path(13, 'h', 0)
  writer.begin(12, 0)
  return writer.take().parts
}

describe('StepWriter', () => {
  it('refuses names that are no byte strings', () => {
    for (const name of ['a\0b', 'ł']) assert.throws(() => new StepWriter().begin(2, 100).string(name), TypeError)
  })

  it('keeps order whatever the sizes', () => {
    const writer = new StepWriter()
    const chunks = [1, 9000, 3, 300_000, 8192, 2].map((size, index) => Buffer.alloc(size, index + 1))
    for (const chunk of chunks) writer.data(chunk)
    const { parts, sizeBytes } = writer.take()
    const bytes = Buffer.concat(parts)
    assert.equal(bytes.length, sizeBytes)
    for (const [at, chunk] of chunks.entries()) {
      const before = chunks.slice(0, at).reduce((sum, one) => sum + one.length + 8, 0)
      assert.deepEqual([bytes.readUInt32LE(before), bytes.readUInt32LE(before + 4)], [4, chunk.length])
      assert(chunk.equals(bytes.subarray(before + 8, before + 8 + chunk.length)))
    }
  })

  it('writes numbers below zero and beyond 32 bits', () => {
    const writer = new StepWriter()
    writer
      .begin(1, 24)
      .i64(-1)
      .i64(-2_000_000_000_000)
      .i64(2 ** 53 - 1)
    const bytes = Buffer.concat(writer.take().parts)
    assert.deepEqual(
      [8, 16, 24].map((at) => Number(bytes.readBigInt64LE(at))),
      [-1, -2_000_000_000_000, 2 ** 53 - 1],
    )
  })
})

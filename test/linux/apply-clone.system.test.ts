import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, it } from 'mocha'
import { byteString, openApplier } from '../../src/linux/apply.ts'
import { ApplyFailed } from '../../src/linux/errors.ts'
import { describeNative, type Native } from '../support/native.ts'
import { scratchDirectory } from '../support/scratch.ts'

const UNKNOWN = { sizeBytes: 0, ctimeSeconds: 0, ctimeNanoseconds: 0 }
const ATTRIBUTES = { ...UNKNOWN, mode: 0o4640, uid: 5, gid: 6, mtimeSeconds: 1_400_000_000, mtimeNanoseconds: 5 }

describeNative('the applier that copies files of another directory', (native: () => Native) => {
  let [root, source] = ['', '']
  beforeEach(async () => {
    const scratch = await scratchDirectory()
    root = join(scratch, 'root')
    source = join(scratch, 'source')
    mkdirSync(root)
    mkdirSync(join(source, 'd'), { recursive: true })
    writeFileSync(join(scratch, 'host'), 'the host')
  })
  const clone = async (...names: string[]) => {
    await using applier = openApplier(root, { source, native: native() })
    for (const [index, name] of names.entries()) {
      applier.clone(`copy-${index}`, byteString(name), ATTRIBUTES)
      applier.xattr('user.colour', Buffer.from('red'))
    }
    await applier.finish()
  }

  it('gives copies content, owner, mode, time and attributes', async () => {
    const large = Buffer.alloc(3_000_001, 'abc')
    writeFileSync(join(source, 'd/large'), large)
    writeFileSync(join(source, 'empty'), '')
    await clone('d/large', 'empty')
    const { uid, gid, mode, mtimeMs } = lstatSync(join(root, 'copy-0'))
    assert.deepEqual([uid, gid, mode & 0o7777, Math.floor(mtimeMs)], [5, 6, 0o4640, 1_400_000_000_000])
    assert.ok(readFileSync(join(root, 'copy-0')).equals(large))
    assert.equal(lstatSync(join(root, 'copy-1')).size, 0)
    const { stdout } = spawnSync('getfattr', ['--absolute-names', '-d', join(root, 'copy-1')], { encoding: 'utf8' })
    assert.match(stdout, /user\.colour="red"/)
  })

  it('tells when a file is not what it was, or not any more', async () => {
    const path = join(source, 'f')
    writeFileSync(path, 'one')
    const { size, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true })
    const split = (ns: bigint) => [Number(ns / 1_000_000_000n), Number(ns % 1_000_000_000n)] as const
    const [[mtimeSeconds, mtimeNanoseconds], [ctimeSeconds, ctimeNanoseconds]] = [split(mtimeNs), split(ctimeNs)]
    const seen = { mtimeSeconds, mtimeNanoseconds, sizeBytes: Number(size), ctimeSeconds, ctimeNanoseconds }
    const isSame = async (name: string, state: typeof seen) => {
      await using applier = openApplier(root, { source, native: native() })
      applier.clone('copy', name, { ...ATTRIBUTES, ...state })
      return applier.finish()
    }
    assert.equal(await isSame('f', seen), true)
    for (const field of Object.keys(seen) as (keyof typeof seen)[])
      assert.equal(await isSame('f', { ...seen, [field]: seen[field] + 1 }), false, field)
    assert.equal(await isSame('gone', seen), false)
    assert.equal(await isSame('d', seen), false)
  })

  it('keeps holes, at the beginning, between and at the end', async () => {
    spawnSync(
      'sh',
      [
        '-c',
        'truncate -s 6M f; printf a | dd of=f conv=notrunc bs=1 seek=2000000; printf b | dd of=f conv=notrunc bs=1 seek=4000000',
      ],
      { cwd: source },
    )
    await clone('f')
    assert.equal(spawnSync('cmp', [join(source, 'f'), join(root, 'copy-0')]).status, 0)
    assert.ok(lstatSync(join(root, 'copy-0')).blocks * 512 < 1 << 20)
  })

  it('copies nothing through a link, nothing from outside, no pipe, and nothing that is gone', async () => {
    symlinkSync('../host', join(source, 'link'))
    symlinkSync('..', join(source, 'up'))
    spawnSync('mkfifo', [join(source, 'pipe')])
    await clone('link', 'up/host', '../host', 'pipe', 'd', 'missing', 'd/missing/x')
    assert.deepEqual(readdirSync(root), [])
  })

  it('has nothing to copy from without a source', async () => {
    await using applier = openApplier(root, { native: native() })
    applier.clone('f', 'f', ATTRIBUTES)
    await assert.rejects(applier.finish(), ApplyFailed)
  })
})

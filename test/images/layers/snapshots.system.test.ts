import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, it } from 'mocha'
import { LayerInvalid } from '../../../src/images/layers/errors.ts'
import { openSnapshots, type Snapshots } from '../../../src/images/layers/snapshots.ts'
import { unpackLayer } from '../../../src/images/layers/unpack.ts'
import { removeTree } from '../../../src/linux/remove-tree.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { OCI_LAYER } from '../../../src/oci/media-types.ts'
import { packageRoot } from '../../../src/package-root.ts'
import { needsRoot } from '../../support/needs-root.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { directory, file, sha256, type TarEntry, tarOf } from '../../support/tar.ts'

const chainID = digestOf('a chain')

describe('openSnapshots', () => {
  let root = ''
  let snapshots: Snapshots
  beforeEach(async function () {
    needsRoot(this)
    root = await scratchDirectory()
    snapshots = openSnapshots({ root, run: join(root, 'run') })
  })
  const onDisk = () => readdir(join(root, 'snapshots'))
  const unpack = (entries: readonly TarEntry[]) => async (target: string) => {
    const tar = tarOf(entries)
    await unpackLayer({ blob: Readable.from([tar]), mediaType: OCI_LAYER, diffID: sha256(tar), target })
  }

  it('gives a directory its name when it is whole', async () => {
    assert.equal(await snapshots.has(chainID), false)
    await snapshots.create(chainID, async (target) => {
      assert.equal(await snapshots.has(chainID), false)
      await unpack([file('a', 'content')])(target)
    })
    assert.equal(await snapshots.has(chainID), true)
    assert.equal(await readFile(join(snapshots.path(chainID), 'a'), 'utf8'), 'content')
    assert.deepEqual(await snapshots.list(), [chainID])
    assert.equal((await onDisk()).length, 1)
  })

  it('leaves nothing of a layer that is refused half-way', async () => {
    const hostile = [directory('a/b/c'), file('a/b/c/d', 'x'.repeat(100_000)), file('../evil')]
    await assert.rejects(snapshots.create(chainID, unpack(hostile)), LayerInvalid)
    assert.deepEqual(await onDisk(), [])
    assert.deepEqual(await snapshots.list(), [])
  })

  it('lets the first of two win that make the same one', async () => {
    const contents = ['first', 'second']
    await Promise.all(contents.map((content) => snapshots.create(chainID, unpack([file('a', content)]))))
    assert(contents.includes(await readFile(join(snapshots.path(chainID), 'a'), 'utf8')))
    assert.equal((await onDisk()).length, 1)
  })

  it('removes a snapshot, deep ones and twice too', async () => {
    await snapshots.create(chainID, unpack([file(`${'d/'.repeat(1500)}f`), directory('locked', { mode: 0 })]))
    await snapshots.remove(chainID)
    await snapshots.remove(chainID)
    assert.deepEqual(await onDisk(), [])
  })

  it('sweeps what a killed process left, in the next command, and nothing of a live one', async () => {
    const child = await startFilling(root)
    try {
      assert.deepEqual(await snapshots.list(), [])
      assert.equal((await onDisk()).length, 1)
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    assert.equal((await onDisk()).length, 1)

    await snapshots.create(chainID, unpack([file('a', 'content')]))
    assert.equal((await onDisk()).length, 1)
    assert.equal(await readFile(join(snapshots.path(chainID), 'a'), 'utf8'), 'content')
  })

  it('spreads snapshots over the disk where the file system can do that', async function () {
    await snapshots.create(chainID, unpack([file('a')]))
    const type = execFileSync('stat', ['-f', '-c', '%T', root], { encoding: 'utf8' }).trim()
    if (type !== 'ext2/ext3') {
      console.log(`skipped: ${type} places directories as it likes`)
      this.skip()
    }
    assert.match(execFileSync('lsattr', ['-d', join(root, 'snapshots')], { encoding: 'utf8' }), /^\S*T/)
  })
})

/** A process that has begun to fill the snapshot, and then waits. */
async function startFilling(root: string): Promise<ChildProcess> {
  const script = `
    import { PassThrough } from 'node:stream'
    import { openSnapshots } from ${JSON.stringify(join(packageRoot, 'src/images/layers/snapshots.ts'))}
    import { unpackLayer } from ${JSON.stringify(join(packageRoot, 'src/images/layers/unpack.ts'))}
    const root = ${JSON.stringify(root)}
    const blob = new PassThrough()
    blob.write(Buffer.from(${JSON.stringify(tarOf([file('a', 'half')]).toString('base64'))}, 'base64').subarray(0, 1024))
    await openSnapshots({ root, run: root }).create(${JSON.stringify(chainID)}, async (target) => {
      const unpacking = unpackLayer({ blob, mediaType: ${JSON.stringify(OCI_LAYER)}, diffID: ${JSON.stringify(chainID)}, target })
      setInterval(() => {}, 1000)
      await unpacking
    })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  for (let attempt = 0; attempt < 500; attempt++) {
    const [name] = await readdir(join(root, 'snapshots')).catch(() => [])
    if (name !== undefined && (await readdir(join(root, 'snapshots', name))).includes('a')) return child
    await sleep(20)
  }
  child.kill('SIGKILL')
  throw new Error('the other process did not begin')
}

describe('removeTree', () => {
  let root = ''
  beforeEach(async function () {
    needsRoot(this)
    root = await scratchDirectory()
  })

  it('removes files, trees and nothing, and follows no symlink', async () => {
    await mkdir(join(root, 'kept'))
    await writeFile(join(root, 'kept/file'), 'kept')
    await mkdir(join(root, 'tree/below'), { recursive: true })
    execFileSync('ln', ['-s', join(root, 'kept'), join(root, 'tree/link')])
    execFileSync('ln', ['-s', join(root, 'kept'), join(root, 'link')])
    await chmod(join(root, 'tree/below'), 0)
    for (const name of ['tree', 'tree', 'link', 'missing/too']) await removeTree(join(root, name))
    assert.deepEqual(await readdir(root), ['kept'])
    assert.deepEqual(await readdir(join(root, 'kept')), ['file'])
  })

  it('does not cross into what is mounted in there', async function () {
    await mkdir(join(root, 'tree/mounted'), { recursive: true })
    if (spawnMount(join(root, 'tree/mounted')) !== 0) {
      console.log('skipped: this host does not let us mount')
      this.skip()
    }
    try {
      await writeFile(join(root, 'tree/mounted/file'), 'kept')
      await assert.rejects(removeTree(join(root, 'tree')))
      assert.deepEqual(await readdir(join(root, 'tree/mounted')), ['file'])
    } finally {
      execFileSync('umount', [join(root, 'tree/mounted')])
    }
    await removeTree(join(root, 'tree'))
    assert.deepEqual(await readdir(root), [])
  })
})

function spawnMount(path: string): number {
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'coracle-test', path], { stdio: 'ignore' })
    return 0
  } catch {
    return 1
  }
}

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { Finding } from '../../src/state/findings.ts'
import { startTestRegistry } from '../support/image-registry.ts'
import { openTestStore, type TestStore } from '../support/image-store.ts'
import * as make from '../support/images.ts'
import { scratchDirectory } from '../support/scratch.ts'

describe('the check of the image store', () => {
  let root: string
  let name: string
  let opened: TestStore
  const image = make.makeImage({
    layers: [
      [make.directory('etc'), make.file('etc/one', 'first'), make.symlink('link', 'etc/one')],
      [make.file('etc/.wh.one'), make.file('etc/two', 'second')],
    ],
  })

  beforeEach(async () => {
    root = await scratchDirectory()
    const registry = await startTestRegistry()
    name = `${registry.host}/app:1`
    await make.pushMade(image, name)
    opened = openTestStore(root)
    await opened.store.pull(name)
  })
  afterEach(() => opened.close())

  const check = async (options: { repair?: boolean; quick?: boolean } = {}): Promise<readonly Finding[]> =>
    (await opened.store.check({ repair: false, quick: false, ...options })).findings
  const kinds = async (options = {}) => (await check(options)).map(({ kind }) => kind)
  const blobFile = (index: number) =>
    join(root, 'blobs/sha256', (image.blobs[index]?.descriptor.digest ?? '').slice('sha256:'.length))

  it('finds nothing after a pull, whiteouts and links among the files', async () => {
    assert.deepEqual(await check(), [])
  })

  for (const [what, index] of [
    ['a layer', 0],
    ['the config', image.blobs.length - 1],
  ] as const)
    it(`puts ${what} aside that was changed, and the pull that it asks for mends the image`, async () => {
      const bytes = readFileSync(blobFile(index))
      writeFileSync(blobFile(index), bytes.with(12, (bytes[12] ?? 0) ^ 1))
      assert.deepEqual(await kinds(), ['damaged-blob'])

      const found = await check({ repair: true })
      assert.deepEqual(
        found.map(({ kind, repaired }) => [kind, repaired]),
        [
          ['damaged-blob', true],
          ['missing-blob', false],
        ],
      )
      assert.match(found[1]?.problem ?? '', new RegExp(`coracle pull ${name}`))
      await opened.store.pull(name)
      assert.deepEqual(await check(), [])
    })

  it('finds a manifest gone, and the pull mends that too', async () => {
    rmSync(join(root, 'blobs/sha256', image.descriptor.digest.slice('sha256:'.length)))
    assert.deepEqual(await kinds({ quick: true }), ['missing-blob'])
    await opened.store.pull(name)
    assert.deepEqual(await check(), [])
  })

  it('sees by size alone that content was cut off', async () => {
    writeFileSync(blobFile(0), 'short')
    assert.deepEqual(await kinds({ quick: true }), ['damaged-blob'])
  })

  it('removes what no image holds', async () => {
    await opened.store.remove(name, { noPrune: true })
    assert.equal((await kinds()).filter((kind) => kind !== 'orphaned-files').length, 0)
    await check({ repair: true })
    assert.deepEqual(readdirSync(join(root, 'blobs/sha256')), [])
    assert.deepEqual(readdirSync(join(root, 'snapshots')), [])
    assert.deepEqual(await check(), [])
  })
})

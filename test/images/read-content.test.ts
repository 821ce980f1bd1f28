import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { describe, it } from 'mocha'
import { blobPath } from '../../src/images/blobs.ts'
import { readContent } from '../../src/images/read-content.ts'
import { readImage } from '../../src/images/records.ts'
import { startTestRegistry } from '../support/image-registry.ts'
import { openTestStore } from '../support/image-store.ts'
import * as make from '../support/images.ts'
import { scratchDirectory } from '../support/scratch.ts'

async function stage(name = 'app:1') {
  const test = openTestStore(await scratchDirectory())
  const tar = make.tarOf([make.file('words', 'the same again and again '.repeat(1000))])
  const id = await test.store.import(Readable.from([tar]), { reference: name })
  return { id, ...test, [Symbol.dispose]: () => test.close() }
}

describe('what an image says of itself', () => {
  it('is verified when it is read first, and known from then on', async () => {
    using test = await stage()
    const before = await test.store.inspect('app:1')
    rmSync(blobPath(test.context.paths, test.id))
    assert.deepEqual(await test.store.inspect('app:1'), before)
  })

  it('is refused where its file was changed before', async () => {
    using test = await stage()
    writeFileSync(blobPath(test.context.paths, test.id), '{}')
    await assert.rejects(test.store.inspect('app:1'), { code: 'BLOB_MISMATCH' })
  })

  it('is read again when the image has got another manifest', async () => {
    const registry = await startTestRegistry()
    const name = `${registry.host}/app:1`
    using test = await stage(name)
    const layers = async () => {
      const record = readImage(test.context.database, test.id)
      assert(record !== undefined)
      return (await readContent(test.context, record)).manifest.layers.map(({ mediaType }) => mediaType)
    }
    assert.deepEqual(await layers(), ['application/vnd.oci.image.layer.v1.tar'])
    await test.store.push(name) // what leaves is compressed
    assert.deepEqual(await layers(), ['application/vnd.oci.image.layer.v1.tar+gzip'])
  })
})

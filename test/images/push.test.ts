import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { startTestRegistry } from '../support/image-registry.ts'
import { openTestStore } from '../support/image-store.ts'
import * as make from '../support/images.ts'
import { scratchDirectory } from '../support/scratch.ts'

async function stage() {
  const registry = await startTestRegistry()
  const test = openTestStore(await scratchDirectory())
  return { registry, ...test, [Symbol.dispose]: () => test.close() }
}

const digestOfTag = async (host: string, name: string): Promise<string | null> => {
  const accept = 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json'
  const answer = await fetch(`http://${host}/v2/${name.replace(':', '/manifests/')}`, {
    method: 'HEAD',
    headers: { accept },
  })
  return answer.headers.get('docker-content-digest')
}

describe('push', () => {
  it('sends the bytes that were pulled, and mounts layers the registry has', async () => {
    using test = await stage()
    const { host } = test.registry
    const image = make.makeImage({ layers: [[make.file('a')], [make.file('b')]] })
    await make.pushMade(image, `${host}/app:1`)
    await test.store.pull(`${host}/app:1`)
    await test.store.tag(`${host}/app:1`, `${host}/copy:2`)

    const phases = new Set<string>()
    const [pushed] = await test.store.push(`${host}/copy:2`, { onProgress: ({ phase }) => phases.add(phase) })
    assert.deepEqual(pushed, {
      reference: `${host}/copy:2`,
      tag: '2',
      digest: image.descriptor.digest,
      sizeBytes: image.bytes.length,
    })
    assert.equal(await digestOfTag(host, 'copy:2'), image.descriptor.digest)
    assert(phases.has('mounted') && !phases.has('pushing'), [...phases].join())
    assert((await test.store.inspect(`${host}/copy:2`)).RepoDigests.includes(`${host}/copy@${image.descriptor.digest}`))
  })

  it('sends a whole index when all of it is here, else the one image', async () => {
    using test = await stage()
    const { host } = test.registry
    const images = ['amd64', 'arm64'].map((architecture) => ({
      platform: { os: 'linux', architecture },
      image: make.makeImage({ layers: [[make.file(architecture)]], platform: { os: 'linux', architecture } }),
    }))
    const index = make.makeIndex(images)
    await make.pushMade(index, `${host}/app:1`)
    await test.store.pull(`${host}/app:1`, { platform: 'linux/arm64' })
    await test.store.tag(`${host}/app:1`, `${host}/single:1`)
    const [single] = await test.store.push(`${host}/single:1`)
    assert.equal(single?.digest, images[1]?.image.descriptor.digest)

    await test.store.pull(`${host}/app:1`, { platform: 'linux/amd64' })
    await test.store.tag(`${host}/app:1`, `${host}/whole:1`)
    const [whole] = await test.store.push(`${host}/whole:1`)
    assert.equal(whole?.digest, index.descriptor.digest)
    assert.equal(await digestOfTag(host, 'whole:1'), index.descriptor.digest)
  })

  it('of all tags sends each, and says when there is none', async () => {
    using test = await stage()
    const { host } = test.registry
    await make.pushMade(make.makeImage({ layers: [[make.file('a')]] }), `${host}/app:1`)
    await test.store.pull(`${host}/app:1`)
    for (const tag of ['x', 'y']) await test.store.tag(`${host}/app:1`, `${host}/many:${tag}`)
    assert.deepEqual(
      (await test.store.push(`${host}/many`, { allTags: true })).map(({ tag }) => tag),
      ['x', 'y'],
    )
    assert.deepEqual((await Array.fromAsync(test.store.tags(`${host}/many`))).toSorted(), ['x', 'y'])
    await assert.rejects(test.store.push(`${host}/none`), {
      message: `An image does not exist locally with the tag: ${host}/none:latest`,
    })
    await assert.rejects(test.store.push(`${host}/many:x`, { allTags: true }), /tag can't be used/)
  })
})

describe('image inspect --remote', () => {
  it('tells of an image without pulling it', async () => {
    using test = await stage()
    const { host } = test.registry
    const image = make.makeImage({ layers: [[make.file('a')]], config: { Labels: { a: 'b' } } })
    await make.pushMade(image, `${host}/app:1`)
    test.registry.requests.length = 0
    const inspected = await test.store.inspectRemote(`${host}/app:1`)
    assert.equal(inspected.Id, image.id)
    assert.deepEqual(inspected.Config.Labels, { a: 'b' })
    assert.deepEqual(inspected.RepoDigests, [`${host}/app@${image.descriptor.digest}`])
    assert.deepEqual(test.registry.requests, ['GET /v2/app/manifests/1', `GET /v2/app/blobs/${image.id}`])
    assert.deepEqual(await test.store.list(), [])
  })
})

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'mocha'
import { type ContextFiles, writeContext } from '../support/build-context.ts'
import { type Coracle, IMAGE, openCoracle, spawned } from '../support/coracle.ts'
import { startTestRegistry, type TestRegistry } from '../support/image-registry.ts'
import { needsRoot } from '../support/needs-root.ts'

const FILES = {
  Dockerfile: [
    `FROM ${IMAGE} AS tools`,
    'RUN echo big-tools > /tools',
    'RUN cp /tools /result',
    `FROM ${IMAGE}`,
    'WORKDIR /app',
    'COPY f .',
    'RUN true',
    'RUN cat f > g && echo "carried $((1+1))"',
    'COPY --link --from=tools /result /app/',
  ].join('\n'),
  f: 'content',
}
const STEPS = 7

describe('caches of builds elsewhere', function () {
  this.timeout(60_000)
  let first: Coracle
  let second: Coracle
  /** Where both have the same base: an import of one tar has another time each. */
  let contexts: string

  before(function () {
    needsRoot(this)
    first = openCoracle()
    second = openCoracle()
    contexts = first.directory
    const archive = join(contexts, 'base.tar')
    first.output('save', '-o', archive, IMAGE)
    second.output('rmi', IMAGE)
    second.output('load', '-i', archive)
  })
  afterEach(() => {
    for (const one of [first, second]) {
      assert.deepEqual(one.leftovers(), [])
      one.run(['builder', 'prune', '-af'])
    }
  })
  after(() => {
    first?.close()
    second?.close()
  })

  const build = (on: Coracle, files: ContextFiles, ...args: string[]) =>
    spawned(on, ['build', '--progress', 'plain', '--network', 'none', ...args, writeContext(contexts, files)])
  const built = async (on: Coracle, files: ContextFiles, ...args: string[]): Promise<string> => {
    const { status, stderr } = await build(on, files, ...args)
    assert.equal(status, 0, stderr)
    return stderr
  }
  const cached = (said: string) => said.match(/^#\d+ CACHED$/gm)?.length ?? 0
  const layersFetched = (registry: TestRegistry, since: number) =>
    registry.requests.slice(since).filter((line) => line.startsWith('GET') && line.includes('/blobs/')).length

  it('knows by a registry what another machine has built, and fetches only what the result consists of', async () => {
    const registry = await startTestRegistry()
    const ref = `${registry.host}/cache:main`
    assert.equal(cached(await built(first, FILES, '-t', 'app', '--cache-to', `type=registry,ref=${ref},mode=max`)), 0)
    const before = registry.requests.length
    const nothing = await built(second, FILES, '-o', 'type=cacheonly', '--cache-from', ref)
    assert.equal(cached(nothing), STEPS)
    assert.equal(layersFetched(registry, before), 1) // the list of steps
    const said = await built(second, FILES, '-t', 'app', '--cache-from', `type=registry,ref=${ref}`)
    assert.equal(cached(said), STEPS)
    // The list once more, and none of the other stage's two.
    assert.equal(layersFetched(registry, before), 1 + 1 + (STEPS - 2))
    const ids = [first, second].map((one) => one.output('image', 'inspect', '-f', '{{.Id}}', 'app'))
    assert.equal(ids[0], ids[1])
    assert.equal(second.output('run', '--rm', '--network', 'none', 'app', 'cat', 'g', 'result'), 'contentbig-tools')
    assert.match(second.output('system', 'check'), /all is well$/)
    // What has come is known here from now on, and what has not come is fetched when a change needs it.
    assert.equal(cached(await built(second, FILES, '-o', 'type=cacheonly')), STEPS - 3)
    second.output('builder', 'prune', '-af')
    const changed = { ...FILES, Dockerfile: FILES.Dockerfile.replace('cp /tools /result', 'cp /tools /result; echo x') }
    const again = await built(second, changed, '-t', 'changed', '--cache-from', ref)
    assert.equal(cached(again), STEPS - 1) // copied is what it was
    assert.equal(second.output('run', '--rm', '--network', 'none', 'changed', 'cat', 'result'), 'big-tools')
  })

  it('exports of the result alone what is in it, and again what it has only heard of', async () => {
    const registry = await startTestRegistry()
    const ref = `${registry.host}/cache:min`
    await built(first, FILES, '-o', 'type=cacheonly', '--cache-to', `type=registry,ref=${ref},compression=zstd`)
    const manifest = async (name: string) => {
      const accept = 'application/vnd.oci.image.manifest.v1+json'
      const answer = await fetch(`http://${registry.host}/v2/${name}`, { headers: { accept } })
      return (await answer.json()) as { config: { mediaType: string }; layers: { mediaType: string; digest: string }[] }
    }
    const { config, layers } = await manifest('cache/manifests/min')
    assert.equal(config.mediaType, 'application/vnd.coracle.buildcache.v1+json')
    assert.deepEqual(
      layers.map(({ mediaType }) => mediaType.split('+')[1]),
      Array(STEPS - 2).fill('zstd'),
    )
    const before = registry.requests.length
    const onward = ['--cache-from', ref, '--cache-to', `type=registry,ref=${registry.host}/other/cache:min`]
    const said = await built(second, FILES, '-o', 'type=cacheonly', ...onward)
    assert.equal(cached(said), STEPS - 2) // the other stage is made anew, to the same files but for times
    const copied = await manifest('other/cache/manifests/min')
    assert.ok(layers.slice(0, 3).every(({ digest }) => copied.layers.some((one) => one.digest === digest)))
    const mounted = registry.requests.slice(before).filter((line) => line.includes('?mount='))
    assert.ok(mounted.length >= 3)
  })

  it('is in the image itself with type=inline, for each platform', async () => {
    const registry = await startTestRegistry()
    const name = `${registry.host}/app:inline`
    const files = { Dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY f /$TARGETARCH/f\nWORKDIR /w\n', f: 'inline' }
    const platforms = ['--platform', 'linux/amd64,linux/arm64']
    await built(first, files, ...platforms, '-t', name, '--push', '--cache-to', 'type=inline')
    assert.equal(cached(await built(second, files, ...platforms, '-t', 'app', '--cache-from', name)), 4)
    second.output('builder', 'prune', '-af')
    assert.equal(cached(await built(second, files, '-o', 'type=cacheonly', '--cache-from', name)), 2)
    const id = (on: Coracle) => on.output('image', 'inspect', '-f', '{{.RootFS.Layers}}', on === first ? name : 'app')
    assert.equal(id(first), id(second))
  })

  it('goes by a directory, which may hold several', async () => {
    const directory = join(contexts, 'cache')
    await built(first, FILES, '-o', 'type=cacheonly', '--cache-to', `type=local,dest=${directory},mode=max`)
    await built(first, FILES, '-o', 'type=cacheonly', '--cache-to', `type=local,dest=${directory},tag=small`)
    const { manifests } = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')) as { manifests: unknown[] }
    assert.equal(manifests.length, 2)
    assert.deepEqual(readdirSync(directory).toSorted(), ['blobs', 'index.json', 'oci-layout'])
    const from = `type=local,src=${directory}`
    assert.equal(cached(await built(second, FILES, '-t', 'app', '--cache-from', from)), STEPS)
    second.output('builder', 'prune', '-af')
    assert.equal(
      cached(await built(second, FILES, '-o', 'type=cacheonly', '--cache-from', `${from},tag=small`)),
      STEPS - 2,
    )
    rmSync(directory, { recursive: true })
  })

  it('builds without one that is not there, is none, or is damaged, and says so', async () => {
    const registry = await startTestRegistry()
    const directory = join(contexts, 'damaged')
    await built(first, FILES, '-o', 'type=cacheonly', '--cache-to', `type=local,dest=${directory},mode=max`)
    const blobs = join(directory, 'blobs/sha256')
    const sizes = readdirSync(blobs).map((name) => ({ name, content: readFileSync(join(blobs, name)) }))
    const layers = sizes.filter(({ content }) => content[0] === 0x1f)
    assert.equal(layers.length, STEPS)
    for (const [index, { name, content }] of layers.entries()) {
      if (index % 2 === 0) truncateSync(join(blobs, name), content.length - 5)
      else writeFileSync(join(blobs, name), Buffer.alloc(content.length, 0x1f))
    }
    const said = await built(second, FILES, '-t', 'app', '--cache-from', `type=local,src=${directory}`)
    assert.match(said, /a layer of the cache cannot be used: .*the build goes on without caches from elsewhere/)
    assert.equal(second.output('run', '--rm', '--network', 'none', 'app', 'cat', 'g', 'result'), 'contentbig-tools')
    assert.match(second.output('system', 'check'), /all is well$/)
    for (const { name, content } of sizes) if (content[0] === 0x7b) writeFileSync(join(blobs, name), '{"version":9}')
    const sources = [`type=local,src=${directory}`, 'type=local,src=/no/such', `${registry.host}/no/such:cache`]
    const none = await built(second, FILES, '-o', 'type=cacheonly', ...sources.flatMap((one) => ['--cache-from', one]))
    assert.equal(none.match(/ERROR: /g)?.length, 3)
    rmSync(directory, { recursive: true })
  })

  it('fails when a cache cannot be written, unless that is to be ignored', async () => {
    const files = { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' }
    const to = 'type=registry,ref=127.0.0.1:1/no/registry:here'
    const { status, stderr } = await build(first, files, '-t', 'kept', '--cache-to', to)
    assert.equal(status, 1)
    assert.match(stderr, /127\.0\.0\.1:1/)
    assert.match(await built(first, files, '--cache-to', `${to},ignore-error=true`), /ERROR: /)
    const local = await build(first, files, '--cache-to', 'type=local,dest=/etc/passwd/cache')
    assert.equal(local.status, 1)
    assert.match(local.stderr, /the cache cannot be written to \/etc\/passwd\/cache/)
    assert.match((await build(first, files, '--cache-from', 'type=gha')).stderr, /type "gha" is not supported/)
  })
})

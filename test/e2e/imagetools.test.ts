/** Words of docker buildx that are about registries and builders. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { after, before, describe, it } from 'mocha'
import { writeContext } from '../support/build-context.ts'
import { type Coracle, type Outcome, openCoracle, spawned } from '../support/coracle.ts'
import { startTestRegistry } from '../support/image-registry.ts'

interface Document {
  readonly mediaType: string
  readonly manifests: readonly {
    readonly digest: string
    readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string }
  }[]
}

describe('buildx', function () {
  this.timeout(60_000)
  let coracle: Coracle
  before(() => {
    coracle = openCoracle()
  })
  after(() => coracle?.close())

  const run = (...args: string[]): Promise<Outcome> => spawned(coracle, ['buildx', ...args])
  const output = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await run(...args)
    assert.equal(status, 0, stderr)
    return stdout
  }
  const push = async (name: string, platform: string, ...more: string[]): Promise<void> => {
    const context = writeContext(coracle.directory, { Dockerfile: 'FROM scratch\nCOPY who /\n', who: platform })
    await output('build', '-q', '--push', '--provenance=false', '--platform', platform, ...more, '-t', name, context)
  }
  const raw = async (name: string) => JSON.parse(await output('imagetools', 'inspect', '--raw', name)) as Document
  const skopeo = (...args: string[]) => execFileSync('skopeo', args, { encoding: 'utf8' })

  it('shows what a registry has, byte for byte, for people and for templates', async () => {
    const { host } = await startTestRegistry()
    const name = `${host}/app:1`
    await push(name, 'linux/amd64,linux/arm64')
    const bytes = await output('imagetools', 'inspect', '--raw', name)
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
    const { mediaType, manifests } = JSON.parse(bytes) as Document
    const lines = (await output('imagetools', 'inspect', name)).split('\n')
    assert.deepEqual(lines.slice(0, 5), [
      `Name:      ${name}`,
      `MediaType: ${mediaType}`,
      `Digest:    ${digest}`,
      '',
      'Manifests:',
    ])
    assert.equal(lines[5], `  Name:        ${name}@${manifests[0]?.digest}`)
    assert.deepEqual(
      lines.filter((line) => line.includes('Platform:')),
      ['  Platform:    linux/amd64', '  Platform:    linux/arm64'],
    )
    const format = (template: string, of = name) => output('imagetools', 'inspect', '--format', template, of)
    assert.equal(await format('{{.Name}} {{.Manifest.Digest}}'), `${name} ${digest}\n`)
    const each = '{{range .Manifest.Manifests}}{{.Digest}} {{.Platform.Architecture}};{{end}}'
    assert.equal(await format(each), `${manifests[0]?.digest} amd64;${manifests[1]?.digest} arm64;\n`)
    const shown = JSON.parse(await format('{{json .Manifest}}')) as Document & { readonly digest: string }
    assert.deepEqual([shown.digest, shown.manifests], [digest, manifests])
    const images = JSON.parse(await format('{{json .Image}}')) as Record<string, { readonly architecture: string }>
    assert.equal(images['linux/arm64']?.architecture, 'arm64')
    const one = `${name}@${manifests[1]?.digest}`
    assert.match(await format('{{json .Image}}', one), /^\{"created":.*"architecture":"arm64"/)
    const missing = await run('imagetools', 'inspect', `${host}/app:none`)
    assert.match(missing.stderr, /^coracle: manifest for .*\/app:none not found/)
  })

  it('puts images of several names under one, and copies what is not there', async () => {
    const [here, there] = [await startTestRegistry(), await startTestRegistry()]
    await push(`${here.host}/app:amd64`, 'linux/amd64')
    await push(`${here.host}/other:arm`, 'linux/arm/v7')
    const sources = [`${here.host}/app:amd64`, `${here.host}/other:arm`]
    const shown = JSON.parse(await output('imagetools', 'create', '--dry-run', ...sources)) as Document
    await output('imagetools', 'create', '-t', `${here.host}/app:all`, '-t', `${there.host}/team/app:all`, ...sources)
    for (const name of [`${here.host}/app:all`, `${there.host}/team/app:all`]) {
      const made = await raw(name)
      assert.deepEqual(made, shown)
      const platforms = made.manifests.map(({ platform }) => platform)
      const arm = { os: 'linux', architecture: 'arm', variant: 'v7' }
      assert.deepEqual(platforms, [{ os: 'linux', architecture: 'amd64' }, arm])
      await output(
        'build',
        '-q',
        '-o',
        `type=local,dest=${coracle.directory}/x`,
        writeContext(coracle.directory, { Dockerfile: `FROM ${name}\n` }),
      )
    }
    skopeo(
      'copy',
      '-q',
      '--all',
      '--src-tls-verify=false',
      `docker://${there.directHost}/team/app:all`,
      `dir:${coracle.directory}/copied`,
    )

    await push(`${here.host}/app:s390x`, 'linux/s390x')
    await output('imagetools', 'create', '--append', '-t', `${here.host}/app:all`, `${here.host}/app:s390x`)
    const names = (await raw(`${here.host}/app:all`)).manifests.map(({ platform }) => platform?.architecture)
    assert.deepEqual(names, ['amd64', 'arm', 's390x'])
    await output(
      'imagetools',
      'create',
      '--append',
      '-t',
      `${here.host}/app:new`,
      `${here.host}/app:all`,
      sources[0] ?? '',
    )
    assert.deepEqual(await raw(`${here.host}/app:new`), await raw(`${here.host}/app:all`))
  })

  it('copies one index as it is, with what is told of its images', async () => {
    const { host } = await startTestRegistry()
    await push(`${host}/app:1`, 'linux/amd64', '--provenance=true')
    const bytes = await output('imagetools', 'inspect', '--raw', `${host}/app:1`)
    await output('imagetools', 'create', '-t', `${host}/copied/app:1`, `${host}/app:1`)
    assert.equal(await output('imagetools', 'inspect', '--raw', `${host}/copied/app:1`), bytes)
    const attestation = (JSON.parse(bytes) as Document).manifests[1]?.digest
    assert.match(await output('imagetools', 'inspect', '--raw', `${host}/copied/app@${attestation}`), /in-toto/)
    await push(`${host}/app:2`, 'linux/amd64', '--provenance=false')
    await output('imagetools', 'create', '-t', `${host}/copied/app:2`, `${host}/app:2`, '--prefer-index=false')
    assert.equal(
      await output('imagetools', 'inspect', '--raw', `${host}/copied/app:2`),
      await output('imagetools', 'inspect', '--raw', `${host}/app:2`),
    )
    assert.equal((await raw(`${host}/copied/app:2`)).manifests, undefined)
  })

  it('says in one line what cannot be put together', async () => {
    const { host } = await startTestRegistry()
    const refusals: readonly (readonly [readonly string[], RegExp])[] = [
      [[`${host}/none:1`], /^coracle: can't push with no tags specified/],
      [['-t', `${host}/app:1`, `${host}/none:1`], /^coracle: manifest for .*none:1 not found/],
      [['-t', `${host}/app@sha256:${'0'.repeat(64)}`, `${host}/none:1`], /^coracle: cannot push to a digest/],
      [['-t', 'in valid', `${host}/none:1`], /^coracle: invalid reference/],
    ]
    for (const [args, message] of refusals) {
      const { status, stderr } = await run('imagetools', 'create', ...args)
      assert.equal(status, 1)
      assert.match(stderr, message)
    }
  })

  it('knows one builder, which is always there', async () => {
    assert.match(await output('ls'), /^NAME\/NODE .*\ndefault\* +coracle.*\n \\_ default .*running .*linux\//)
    assert.match(await output('inspect', '--bootstrap'), /^Name: +default\n[\s\S]*^Platforms: .*linux\/.*wasi\/wasm$/m)
    assert.equal((await run('inspect', 'other')).status, 1)
    assert.match(await output('version'), /^coracle \d+\.\d+\.\d+/)
    const context = writeContext(coracle.directory, { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' })
    assert.match(await output('build', '--builder', 'default', '-q', context), /^sha256:/)
  })
})

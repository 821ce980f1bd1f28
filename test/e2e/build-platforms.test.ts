import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { writeContext } from '../support/build-context.ts'
import { type Builder, useBuilder } from '../support/built.ts'
import { type Coracle, IMAGE, spawned } from '../support/coracle.ts'
import { startTestRegistry } from '../support/image-registry.ts'

const PLATFORMS = 'linux/amd64,linux/arm64,wasi/wasm'
/** One stage for all, one for each of them that runs here, and files alone for what cannot run here. */
const DOCKERFILE = [
  `FROM --platform=$BUILDPLATFORM ${IMAGE} AS shared`,
  'RUN echo made >> /made; echo shared-ran',
  `FROM --platform=$BUILDPLATFORM ${IMAGE} AS cross`,
  'ARG TARGETARCH',
  'RUN echo "for $TARGETARCH" > /arch',
  'FROM scratch',
  'ARG TARGETPLATFORM',
  'COPY --from=shared /made /made',
  'COPY --from=cross /arch /arch',
  'LABEL platform=$TARGETPLATFORM',
].join('\n')

describe('build for several platforms', function () {
  this.timeout(60_000)
  let coracle: Coracle
  let builder: Builder
  useBuilder((opened) => {
    ;({ coracle, builder } = opened)
  })

  const build: Builder['build'] = (...args) => builder.build(...args)
  const built: Builder['built'] = (...args) => builder.built(...args)
  const labelOf = (name: string, platform?: string) =>
    coracle.output(
      ...['image', 'inspect', '-f', '{{.Config.Labels.platform}} {{.Os}}/{{.Architecture}}', name],
      ...(platform === undefined ? [] : ['--platform', platform]),
    )

  it('makes an image for each under one name, and carries out once what is the same for all', () => {
    const said = built({ Dockerfile: DOCKERFILE }, '--no-cache', '--platform', PLATFORMS, '-t', 'multi:1')
    assert.equal(said.match(/^#\d+ \[linux\/amd64 shared 2\/2\]/gm)?.length, 1)
    assert.equal(said.match(/shared-ran$/gm)?.length, 2) // its name, and what it prints
    assert.match(said, /^#\d+ \[linux\/amd64->arm64 cross 2\/2\] RUN/m)
    assert.match(said, /^#\d+ \[linux\/amd64->wasi\/wasm cross 2\/2\] RUN/m)
    assert.match(said, /^#\d+ \[linux\/arm64 stage-2 2\/3\] COPY --from=shared/m)
    assert.equal(labelOf('multi:1'), 'linux/amd64 linux/amd64') // without a wish that of this host
    assert.equal(labelOf('multi:1', 'linux/arm64'), 'linux/arm64 linux/arm64')
    assert.equal(labelOf('multi:1', 'wasi/wasm'), 'wasi/wasm wasi/wasm')
    const idOf = (platform: string) => coracle.output('history', '-q', '--no-trunc', '--platform', platform, 'multi:1')
    assert.notEqual(idOf('wasi/wasm').split('\n')[0], idOf('linux/arm64').split('\n')[0])
    assert.match(
      coracle.run(['image', 'inspect', 'multi:1', '--platform', 'linux/s390x']).stderr,
      /wanted linux\/s390x/,
    )
    const files = join(coracle.directory, 'split')
    built({ Dockerfile: DOCKERFILE }, '--platform', PLATFORMS, '-o', files)
    const read = (name: string) => readFileSync(join(files, name), 'utf8')
    assert.deepEqual(readdirSync(files).toSorted(), ['linux_amd64', 'linux_arm64', 'wasi_wasm'])
    assert.deepEqual([read('linux_arm64/arch'), read('linux_arm64/made')], ['for arm64\n', 'made\n'])
    assert.equal(read('wasi_wasm/arch'), 'for wasm\n')
    built({ Dockerfile: DOCKERFILE }, '--platform', PLATFORMS, '-o', `type=tar,dest=${files}.tar`)
    const listed = spawnSync('tar', ['-tf', `${files}.tar`], { encoding: 'utf8' }).stdout.split('\n')
    assert.ok(['linux_amd64/arch', 'linux_arm64/made', 'wasi_wasm/arch'].every((name) => listed.includes(name)))
  })

  it('tells programs of the index, whose digest stands for it', () => {
    const at = (name: string) => join(coracle.directory, name)
    const files = { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' }
    built(files, '--platform', PLATFORMS, '--iidfile', at('iid'), '--metadata-file', at('metadata'))
    const id = readFileSync(at('iid'), 'utf8')
    const metadata = JSON.parse(readFileSync(at('metadata'), 'utf8')) as Record<string, unknown>
    assert.equal(metadata['containerimage.digest'], id)
    assert.equal(metadata['containerimage.config.digest'], undefined)
    assert.match(JSON.stringify(metadata['containerimage.descriptor']), /image\.index\.v1/)
    assert.match(labelOf(id, 'linux/arm64'), /linux\/arm64$/)
    coracle.output('tag', id, 'named:1')
    assert.match(labelOf('named:1', 'wasi/wasm'), /wasi\/wasm$/)
    const one = built(files, '--build-arg', 'BUILDKIT_MULTI_PLATFORM=1', '-t', 'one:1', '--iidfile', at('iid'))
    assert.match(one, /writing index/)
    assert.doesNotMatch(built(files, '-t', 'one:1'), /writing index/)
  })

  it('sends, saves and loads all of them as one, and removes them together', async () => {
    const { host } = await startTestRegistry()
    const name = `${host}/multi:1`
    const files = { Dockerfile: 'FROM scratch\nARG TARGETARCH\nLABEL platform=$TARGETARCH\nCOPY Dockerfile /\n' }
    const pushed = await spawned(coracle, [
      'build',
      '-q',
      '--platform',
      PLATFORMS,
      '-t',
      name,
      '--push',
      writeContext(coracle.directory, files),
    ])
    assert.equal(pushed.status, 0, pushed.stderr)
    const answer = await fetch(`http://${host}/v2/multi/manifests/1`, {
      headers: { accept: 'application/vnd.oci.image.index.v1+json' },
    })
    const index = (await answer.json()) as { manifests: { platform: { os: string; architecture: string } }[] }
    const platforms = index.manifests.map(({ platform: { os, architecture } }) => `${os}/${architecture}`)
    assert.deepEqual(platforms, [...PLATFORMS.split(','), ...Array.from({ length: 3 }, () => 'unknown/unknown')])
    assert.equal(answer.headers.get('docker-content-digest'), pushed.stdout.trim())
    const archive = join(coracle.directory, 'multi.tar')
    coracle.output('save', '-o', archive, name)
    assert.match(coracle.output('rmi', name), /^(?:Untagged: .*\n){2}(?:Deleted: .*\n?){3}/)
    assert.equal(coracle.run(['image', 'inspect', name]).status, 1)
    assert.match(coracle.output('load', '-i', archive), /multi:1$/)
    assert.equal(labelOf(name, 'linux/arm64'), 'arm64 linux/arm64')
    const again = await spawned(coracle, ['push', name])
    assert.match(again.stdout, new RegExp(pushed.stdout.trim()))
    coracle.output('rmi', name)
    for (const platform of ['linux/arm64', 'linux/amd64']) {
      const pulled = await spawned(coracle, ['pull', '-q', '--platform', platform, name])
      assert.equal(pulled.status, 0, pulled.stderr)
    }
    assert.equal(labelOf(name), 'amd64 linux/amd64')
    assert.equal(labelOf(name, 'linux/arm64'), 'arm64 linux/arm64')
    rmSync(archive)
  })

  it('takes the base of each platform from one index, at the same time', async () => {
    const { host } = await startTestRegistry()
    const base = `${host}/base:1`
    const files = { Dockerfile: 'FROM scratch\nARG TARGETARCH\nLABEL base=$TARGETARCH\nCOPY Dockerfile /\n' }
    const words = ['build', '-q', '--platform', PLATFORMS]
    const pushed = await spawned(coracle, [...words, '-t', base, '--push', writeContext(coracle.directory, files)])
    assert.equal(pushed.status, 0, pushed.stderr)
    coracle.output('rmi', base)
    const on = { Dockerfile: `FROM ${base}\nARG TARGETARCH\nLABEL platform=$TARGETARCH\n` }
    const outcome = await spawned(coracle, [...words, '-t', 'based', writeContext(coracle.directory, on)])
    assert.equal(outcome.status, 0, outcome.stderr)
    for (const platform of PLATFORMS.split(',')) {
      const label = '{{.Config.Labels.base}} {{.Config.Labels.platform}}'
      const [, architecture] = platform.split('/')
      const found = coracle.output('image', 'inspect', '-f', label, '--platform', platform, 'based')
      assert.equal(found, `${architecture} ${architecture}`)
    }
  })

  it('says what is missing where a command of another architecture would have to be run', () => {
    const Dockerfile = `FROM --platform=$BUILDPLATFORM ${IMAGE} AS files\nFROM scratch\nCOPY --from=files / /\nRUN true\n`
    const { status, stderr } = build({ Dockerfile }, '--platform', 'linux/s390x,linux/amd64')
    assert.equal(status, 1)
    assert.match(stderr, /images for linux\/s390x cannot run on this machine/)
    assert.match(stderr, /register an emulator \(qemu-user-static\) for s390x/)
    assert.match(stderr, /\[linux\/s390x stage-1 3\/3\] RUN true/)
    const byDefault = coracle.run(
      [
        'build',
        '-q',
        '-t',
        'defaulted',
        writeContext(coracle.directory, { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' }),
      ],
      {
        env: { DOCKER_DEFAULT_PLATFORM: 'linux/arm/v7' },
      },
    )
    assert.equal(byDefault.status, 0, byDefault.stderr)
    assert.equal(coracle.output('image', 'inspect', '-f', '{{.Architecture}}/{{.Variant}}', 'defaulted'), 'arm/v7')
  })
})

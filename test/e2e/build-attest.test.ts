import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { writeContext } from '../support/build-context.ts'
import { type Coracle, IMAGE, type Outcome, openCoracle } from '../support/coracle.ts'
import { startTestRegistry } from '../support/image-registry.ts'
import { needsRoot } from '../support/needs-root.ts'

interface Entry {
  readonly mediaType: string
  readonly digest: string
  readonly platform?: { readonly os: string; readonly architecture: string }
  readonly annotations?: Readonly<Record<string, string>>
}

interface Document {
  readonly manifests?: readonly Entry[]
  readonly layers?: readonly Entry[]
  readonly annotations?: Readonly<Record<string, string>>
}

interface Statement {
  readonly _type: string
  readonly predicateType: string
  readonly subject: readonly { readonly name: string; readonly digest: { readonly sha256: string } }[]
  readonly predicate: Record<string, unknown>
}

const FILES = { Dockerfile: `FROM ${IMAGE}\nARG WHO\nCOPY a /a\nRUN echo "$WHO" > /who\nCMD cat /a /who\n`, a: 'a\n' }

const GENERATOR = {
  Dockerfile: `FROM ${IMAGE}\nCOPY --chmod=755 scan /scan\nENTRYPOINT ["/scan"]\n`,
  scan: [
    '#!/bin/sh',
    'set -e',
    '[ "$(ls /sys/class/net)" = lo ]',
    '! touch "$BUILDKIT_SCAN_SOURCE/x" 2> /dev/null',
    'names=$(cd "$BUILDKIT_SCAN_SOURCE" && ls)',
    'printf \'{"spdxVersion":"SPDX-2.3","found":"%s"}\' "$(echo $names)" > "$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json"',
  ].join('\n'),
}

describe('attestations of a build', function () {
  this.timeout(60_000)
  let coracle: Coracle

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  after(() => {
    assert.deepEqual(coracle?.leftovers() ?? [], [])
    coracle?.close()
  })

  const build = (
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    files: Record<string, string> = FILES,
  ): Outcome =>
    coracle.run(['build', '-q', '--network', 'none', ...args, writeContext(coracle.directory, files)], { env })
  const built = (...given: Parameters<typeof build>): string => {
    const { status, stdout, stderr } = build(...given)
    assert.equal(status, 0, stderr)
    return stdout.trim()
  }

  const ask = async (host: string, path: string): Promise<unknown> => {
    const accept = ['index', 'manifest'].map((kind) => `application/vnd.oci.image.${kind}.v1+json`).join(', ')
    return (await fetch(`http://${host}/v2/app/${path}`, { headers: { accept } })).json()
  }
  const indexOf = async (host: string, tag: string): Promise<Document> =>
    (await ask(host, `manifests/${tag}`)) as Document
  const statementsOf = async (host: string, tag: string): Promise<readonly Statement[]> => {
    const { manifests = [] } = await indexOf(host, tag)
    const [image, attestation, ...more] = manifests
    assert(image !== undefined && attestation !== undefined && more.length === 0, JSON.stringify(manifests))
    assert.deepEqual(attestation.platform, { os: 'unknown', architecture: 'unknown' })
    assert.deepEqual(attestation.annotations, {
      'vnd.docker.reference.digest': image.digest,
      'vnd.docker.reference.type': 'attestation-manifest',
    })
    const { layers = [] } = (await ask(host, `manifests/${attestation.digest}`)) as Document
    const statements = await Promise.all(layers.map(({ digest }) => ask(host, `blobs/${digest}`)))
    return statements.map((one, index) => {
      const statement = one as Statement
      assert.equal(layers[index]?.mediaType, 'application/vnd.in-toto+json')
      assert.equal(layers[index]?.annotations?.['in-toto.io/predicate-type'], statement.predicateType)
      assert.equal(`sha256:${statement.subject[0]?.digest.sha256}`, image.digest)
      return statement
    })
  }

  it('go with what is pushed, and others take the image all the same', async () => {
    const { directHost: host } = await startTestRegistry()
    const name = `${host}/app:1`
    const id = built(['--push', '-t', name, '--build-arg', 'WHO=hunter2'])
    const [statement, ...more] = await statementsOf(host, '1')
    assert.equal(more.length, 0)
    assert.equal(statement?.predicateType, 'https://slsa.dev/provenance/v1')
    assert.match(statement?.subject[0]?.name ?? '', new RegExp(`^pkg:docker/${host}/app@1\\?platform=linux%2F`))
    assert.match(JSON.stringify(statement), /"pkg:docker\/busybox@test\?platform=linux%2F.*"sha256":"[0-9a-f]{64}"/)
    assert.doesNotMatch(JSON.stringify(statement), /hunter2/)
    assert.equal(coracle.output('run', '--rm', '--network', 'none', id), 'a\nhunter2')

    coracle.output('rmi', '-f', name)
    coracle.output('pull', '-q', name)
    assert.equal(coracle.output('image', 'inspect', '-f', '{{.Id}}', name), id)
    if (spawnSync('skopeo', ['--version']).status !== 0) return
    const copied = spawnSync('skopeo', ['inspect', '--tls-verify=false', `docker://${name}`], { encoding: 'utf8' })
    assert.equal(copied.status, 0, copied.stderr)
    assert.equal((JSON.parse(copied.stdout) as { Os: string }).Os, 'linux')
  })

  it('are left out where that is asked for, by flag or by environment', async () => {
    const { directHost: host } = await startTestRegistry()
    built(['--push', '-t', `${host}/app:1`, '--provenance=false'])
    built(['--push', '-t', `${host}/app:2`], { BUILDX_NO_DEFAULT_ATTESTATIONS: '1' })
    built(['--push', '-t', `${host}/app:3`], { SOURCE_DATE_EPOCH: '1000000000' })
    for (const tag of ['1', '2', '3']) assert.equal((await indexOf(host, tag)).manifests, undefined)
  })

  it('tell of arguments in the mode max, in either version, and are pushed with the image later', async () => {
    const { directHost: host } = await startTestRegistry()
    const words = ['--build-arg', 'WHO=told', '-t', `${host}/app:1`]
    const id = built([...words, '--provenance=mode=max,version=v0.2,builder-id=https://ci.example/7'])
    assert.equal(coracle.output('image', 'inspect', '-f', '{{.Id}}', `${host}/app:1`), id)
    coracle.output('push', '-q', `${host}/app:1`)
    const { manifests = [] } = await indexOf(host, '1')
    const { layers = [] } = (await ask(host, `manifests/${manifests[0]?.digest}`)) as Document
    for (const { mediaType } of layers) assert.match(mediaType, /\+gzip$/)
    const [statement] = await statementsOf(host, '1')
    assert.equal(statement?.predicateType, 'https://slsa.dev/provenance/v0.2')
    assert.equal(statement?._type, 'https://in-toto.io/Statement/v0.1')
    const { builder, invocation } = (statement?.predicate ?? {}) as {
      builder: { id: string }
      invocation: { parameters: { args: Record<string, string> } }
    }
    assert.equal(builder.id, 'https://ci.example/7')
    assert.equal(invocation.parameters.args['build-arg:WHO'], 'told')
  })

  it('are the same each time with SOURCE_DATE_EPOCH', () => {
    const digests = [1, 2].map(() => {
      const metadata = join(coracle.directory, 'metadata.json')
      const words = ['--provenance=true', '--no-cache', '--metadata-file', metadata]
      built(words, { SOURCE_DATE_EPOCH: '1000000000' })
      return (JSON.parse(readFileSync(metadata, 'utf8')) as Record<string, unknown>)['containerimage.digest']
    })
    assert.equal(digests[0], digests[1])
  })

  it('list what is inside, by an image for that which sees no network', async () => {
    const { directHost: host } = await startTestRegistry()
    built(['-t', 'scanner'], {}, GENERATOR)
    built(['--push', '-t', `${host}/app:1`, '--sbom=generator=scanner', '--provenance=false'])
    const [statement] = await statementsOf(host, '1')
    assert.equal(statement?.predicateType, 'https://spdx.dev/Document')
    assert.match(String(statement?.predicate['found']), /^a bin .*etc .* who$/)
  })

  describe('beside files', () => {
    const TREE = {
      Dockerfile: `FROM ${IMAGE} AS made
RUN mkdir -p /o/d && cd /o && echo a > d/a && ln d/a hard && ln -s /victim provenance.json && dd if=/dev/zero of=sparse bs=1 count=1 seek=3000000
FROM scratch
COPY --from=made /o /
`,
    }
    const read = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8')) as Statement
    const sums = (directory: string): Record<string, string> =>
      Object.fromEntries(
        ['d/a', 'hard', 'sparse'].map((name) => [
          name,
          createHash('sha256')
            .update(readFileSync(join(directory, name)))
            .digest('hex'),
        ]),
      )
    const told = ({ subject }: Statement) =>
      Object.fromEntries(subject.map(({ name, digest }) => [name, digest.sha256 ?? '']))

    it('are files of their own, with a digest of each of those', () => {
      built(['-t', 'scanner'], {}, GENERATOR)
      const out = join(coracle.directory, 'told')
      built(['--provenance=true', '--sbom=generator=scanner', '-o', out], {}, TREE)
      assert.deepEqual(readdirSync(out).toSorted(), ['d', 'hard', 'provenance.json', 'sbom.spdx.json', 'sparse'])
      for (const name of ['provenance.json', 'sbom.spdx.json']) {
        assert.equal(lstatSync(join(out, name)).mode, 0o100600)
        assert.deepEqual(told(read(out, name)), sums(out))
      }
      assert.equal(read(out, 'provenance.json').predicateType, 'https://slsa.dev/provenance/v1')
      assert.equal(read(out, 'sbom.spdx.json').predicateType, 'https://spdx.dev/Document')
    })

    it('are in archives too, once for each platform, under the names that are wished for', () => {
      const tar = join(coracle.directory, 'told.tar')
      const names = (...args: string[]) => {
        built(['--attest', 'type=provenance,version=v0.2,filename=how.json', ...args], {}, TREE)
        return execFileSync('tar', ['-tf', tar], { encoding: 'utf8' }).split('\n')
      }
      assert.ok(names('-o', `type=tar,dest=${tar},attestation-prefix=my-`).includes('my-how.json'))
      const inside = execFileSync('tar', ['-xOf', tar, 'my-how.json'], { encoding: 'utf8' })
      assert.equal((JSON.parse(inside) as Statement).predicateType, 'https://slsa.dev/provenance/v0.2')
      const all = ['--platform', 'linux/amd64,linux/arm64']
      const PLAIN = { ...TREE, Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' }
      const split = join(coracle.directory, 'split')
      built(['--provenance=true', ...all, '-o', split], {}, PLAIN)
      assert.deepEqual(readdirSync(join(split, 'linux_arm64')).toSorted(), ['Dockerfile', 'provenance.json'])
      const together = join(coracle.directory, 'together')
      built(['--provenance=true', ...all, '-o', `type=local,dest=${together},platform-split=false`], {}, PLAIN)
      assert.deepEqual(readdirSync(together).toSorted(), [
        'Dockerfile',
        'provenance.linux_amd64.json',
        'provenance.linux_arm64.json',
      ])
    })

    it('are there only when they are asked for, and for more than images', () => {
      for (const args of [[], ['--attest', 'type=provenance,inline-only=true'], ['--provenance=false']]) {
        const out = join(coracle.directory, `plain${args.length}`)
        built([...args, '-o', out], {}, FILES)
        assert.equal(existsSync(join(out, 'provenance.json')), false, args.join(' '))
        assert.ok(existsSync(join(out, 'who')))
      }
    })
  })

  it('say in one line that there is nobody who could list it', () => {
    const { status, stderr } = build(['--sbom=generator=127.0.0.1:1/none'])
    assert.equal(status, 1)
    assert.match(stderr, /the SBOM generator 127\.0\.0\.1:1\/none cannot be had: .*\n.*--sbom=generator=IMAGE/)
  })

  it('refuse what a generator leaves that is no document', () => {
    for (const [scan, said] of [
      ['true', /wrote no \*\.spdx\.json/],
      ['exit 3', /failed: exit code: 3/],
      ['mknod $BUILDKIT_SCAN_DESTINATION/x.spdx.json p', /is no file/],
      ['dd if=/dev/zero of=$BUILDKIT_SCAN_DESTINATION/x.spdx.json bs=1 count=1 seek=100000000', /is too large/],
      ['ln -s /etc/passwd $BUILDKIT_SCAN_DESTINATION/x.spdx.json', /x\.spdx\.json .* cannot be read/],
      ['echo [] > $BUILDKIT_SCAN_DESTINATION/x.spdx.json', /is no JSON object/],
    ] as const) {
      built(['-t', 'scanner'], {}, { Dockerfile: `FROM ${IMAGE}\nENTRYPOINT ["sh", "-c", "${scan}"]\n` })
      const { status, stderr } = build(['--sbom=generator=scanner'])
      assert.equal(status, 1)
      assert.match(stderr, said)
    }
  })

  it('stand in the metadata, as do annotations in manifest and index', async () => {
    const { directHost: host } = await startTestRegistry()
    const metadata = join(coracle.directory, 'metadata.json')
    const notes = ['a=1', 'index:b=2', 'manifest-descriptor:c=3'].flatMap((note) => ['--annotation', note])
    const id = built(['--push', '-t', `${host}/app:1`, '--metadata-file', metadata, ...notes])
    const index = await indexOf(host, '1')
    assert.deepEqual(index.annotations, { b: '2' })
    assert.deepEqual(index.manifests?.[0]?.annotations, { c: '3' })
    assert.deepEqual(((await ask(host, `manifests/${index.manifests?.[0]?.digest}`)) as Document).annotations, {
      a: '1',
    })
    const told = JSON.parse(readFileSync(metadata, 'utf8')) as Record<string, unknown>
    assert.deepEqual(Object.keys(told).toSorted(), [
      'buildx.build.provenance',
      'containerimage.config.digest',
      'containerimage.descriptor',
      'containerimage.digest',
      'image.name',
    ])
    assert.equal(told['containerimage.config.digest'], id)
    assert.match(build(['--annotation', 'index:a=1']).stderr, /there is no index to annotate/)
  })
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { writeContext } from '../support/build-context.ts'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { type DockerDaemon, needsDocker, startDockerDaemon } from '../support/docker-daemon.ts'
import { startTestRegistry } from '../support/image-registry.ts'
import { needsRoot } from '../support/needs-root.ts'

/** Everything a container has of its image, told by its own entry point. */
const FILES = {
  Dockerfile: [
    `FROM ${IMAGE} AS made`,
    'RUN mkdir /out && echo made > /out/file && ln -s file /out/link && ln /out/file /out/hard && chmod 640 /out/file',
    `FROM ${IMAGE}`,
    'RUN echo first > /etc/kept && echo x > /etc/gone && mkdir -p /data && echo seed > /data/seed && chown -R 33:33 /data',
    'RUN rm /etc/gone',
    'COPY --from=made --chown=33:33 /out /out',
    'COPY --chmod=755 tell.sh /tell.sh',
    'ENV WHO="the world"',
    'WORKDIR /var',
    'VOLUME /data',
    'USER www',
    'EXPOSE 80',
    'LABEL tier=front',
    'ENTRYPOINT ["/tell.sh"]',
    'CMD ["by default"]',
  ].join('\n'),
  'tell.sh': [
    '#!/bin/sh',
    'echo "$WHO: $*: $(pwd): $(id -u):$(id -g)"',
    'cat /etc/kept /out/file /out/link /data/seed',
    'ls /etc/gone 2> /dev/null || echo gone',
    'stat -c "%u:%g %a %h" /out/file',
    'touch /data/mine && mount | grep -q " on /data " && echo volume',
  ].join('\n'),
}

const SAID = (word: string) => `the world: ${word}: /var: 33:33\nfirst\nmade\nmade\nseed\ngone\n33:33 640 2\nvolume\n`

interface TypedDocument {
  readonly mediaType?: string
  readonly manifests?: readonly { readonly digest: string }[]
  readonly layers?: readonly { readonly mediaType: string }[]
}

describe('what build makes, elsewhere', function () {
  this.timeout(60_000)
  let coracle: Coracle

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  after(() => coracle?.close())

  /** @returns the context it was built from */
  const build = (...args: string[]): string => {
    const context = writeContext(coracle.directory, FILES)
    coracle.output('build', '-q', '--network', 'none', ...args, context)
    return context
  }

  const succeeded = (program: string, args: readonly string[], env = process.env): string => {
    const { status, stdout, stderr, error } = spawnSync(program, args, {
      env,
      encoding: 'utf8',
      timeout: 60_000,
    })
    assert.equal(status, 0, `${program} ${args.join(' ')}: ${error ?? ''}${stderr}`)
    return stdout
  }

  describe('in an archive', () => {
    const archiveOf = () => join(coracle.directory, 'typed.tar')
    const layerTypes = (output: string): readonly string[] => {
      const archive = archiveOf()
      build('-t', 'typed:1', '-o', `${output},dest=${archive}`)
      const read = (path: string) => JSON.parse(succeeded('tar', ['-xOf', archive, path])) as TypedDocument
      const [entry] = read('index.json').manifests ?? []
      const { layers = [], mediaType } = read(`blobs/sha256/${entry?.digest.slice(7)}`)
      return [...new Set([mediaType ?? '', ...layers.map((layer) => layer.mediaType)])]
    }
    const OCI = 'application/vnd.oci.image'

    it('has the compression and the media types that were asked for', () => {
      assert.deepEqual(layerTypes('type=oci'), [`${OCI}.manifest.v1+json`, `${OCI}.layer.v1.tar+gzip`])
      assert.deepEqual(layerTypes('type=oci,compression=uncompressed,force-compression=true'), [
        `${OCI}.manifest.v1+json`,
        `${OCI}.layer.v1.tar`,
      ])
      assert.deepEqual(layerTypes('type=docker,oci-mediatypes=false'), [
        'application/vnd.docker.distribution.manifest.v2+json',
        'application/vnd.docker.image.rootfs.diff.tar.gzip',
      ])
    })

    it('is a directory where no tar is wanted, beside what others have put there', () => {
      const layout = join(coracle.directory, 'layout')
      build('-t', 'first:1', '-o', `type=oci,tar=false,dest=${layout}`)
      build('-o', `type=oci,tar=false,dest=${layout},name=second:2`, '--label', 'which=before')
      build('-o', `type=docker,tar=false,dest=${layout},name=second:2`, '--label', 'which=after')
      const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as TypedDocument
      assert.equal(index.manifests?.length, 2)
      assert.equal(readFileSync(join(layout, 'oci-layout'), 'utf8'), '{"imageLayoutVersion":"1.0.0"}')
      for (const tag of ['1', '2']) succeeded('skopeo', ['inspect', `oci:${layout}:${tag}`])
      assert.match(succeeded('skopeo', ['inspect', '--config', `oci:${layout}:2`]), /"which": "after"/)
      const context = writeContext(coracle.directory, { Dockerfile: 'FROM base\n' })
      coracle.output('build', '-q', '-t', 'from-layout', '--build-context', `base=oci-layout://${layout}:1`, context)
      assert.equal(coracle.output('run', '--rm', '--network', 'none', 'from-layout', 'x'), SAID('x').trimEnd())
    })

    it('says in one line why a directory cannot be written', () => {
      const blocked = join(coracle.directory, 'blocked')
      writeFileSync(blocked, '')
      const odd = join(coracle.directory, 'odd')
      mkdirSync(odd)
      mkdirSync(join(odd, 'index.json'))
      for (const dest of [blocked, odd, '/proc/layout']) {
        const context = writeContext(coracle.directory, { Dockerfile: 'FROM scratch\nLABEL a=b\n' })
        const { status, stderr } = coracle.run(['build', '-o', `type=oci,tar=false,dest=${dest}`, context])
        assert.equal(status, 1)
        assert.match(stderr, /^coracle: .*(?:cannot write the OCI layout|no file)/m)
        assert.doesNotMatch(stderr, /internal error/)
      }
    })

    it('is loaded again when it is compressed otherwise', () => {
      const types = layerTypes('type=oci,compression=zstd,compression-level=5,force-compression=true')
      assert.deepEqual(types, [`${OCI}.manifest.v1+json`, `${OCI}.layer.v1.tar+zstd`])
      coracle.output('rmi', '-f', 'typed:1')
      coracle.output('load', '-q', '-i', archiveOf())
      assert.equal(coracle.output('run', '--rm', '--network', 'none', 'typed:1', 'zstd'), SAID('zstd').trimEnd())
    })
  })

  describe('under docker', () => {
    let daemon: DockerDaemon | undefined

    before(async function () {
      needsDocker(this)
      daemon = await startDockerDaemon(join(coracle.directory, 'docker-daemon'))
    })
    after(() => daemon?.stop())

    const docker = (...args: string[]): string => succeeded('docker', ['-H', `unix://${daemon?.socketPath}`, ...args])

    it('runs, pulled from the registry that it was pushed to', async () => {
      const { directHost: host } = await startTestRegistry()
      build('--push', '-t', `${host}/team/app:1`)
      assert.equal(docker('run', '--rm', '--network', 'none', `${host}/team/app:1`), SAID('by default'))
      assert.equal(docker('run', '--rm', '--network', 'none', `${host}/team/app:1`, 'a', 'b'), SAID('a b'))
      const format = '{{.Id}} {{.Config.Labels.tier}} {{.Config.ExposedPorts}}'
      const inspected = docker('image', 'inspect', '-f', format, `${host}/team/app:1`)
      assert.equal(`${coracle.output('image', 'inspect', '-f', format, `${host}/team/app:1`)}\n`, inspected)
    })

    it('runs, loaded from what save and --output write', () => {
      const saved = join(coracle.directory, 'saved.tar')
      build('-t', 'saved:1')
      coracle.output('save', '-o', saved, 'saved:1')
      build('-t', 'written:1', '-o', `type=docker,dest=${saved}.docker`)
      assert.match(docker('load', '-i', saved), /Loaded image: saved:1/)
      assert.match(docker('load', '-i', `${saved}.docker`), /Loaded image: written:1/)
      for (const name of ['saved:1', 'written:1'])
        assert.equal(docker('run', '--rm', '--network', 'none', name, name), SAID(name))
    })
  })

  describe('under podman', () => {
    let podman: (...args: string[]) => string

    before(function () {
      if (spawnSync('podman', ['--version']).status !== 0) {
        console.log('skipped: there is no podman')
        this.skip()
      }
      const at = (name: string) => join(coracle.directory, name)
      const own = ['--root', at('podman'), '--runroot', at('podman-run'), '--runtime', 'runc']
      // Its locks would stay on this host otherwise, and be shared with whoever else runs it.
      writeFileSync(at('containers.conf'), '[engine]\nlock_type = "file"\n')
      const env = { ...process.env, CONTAINERS_CONF: at('containers.conf') }
      const apart = ['--tmpdir', at('podman-tmp'), '--events-backend', 'none']
      podman = (...args) => succeeded('podman', [...own, ...apart, ...args], env)
    })
    after(() => {
      const directory = coracle?.directory ?? '/nowhere'
      spawnSync('sh', ['-c', `grep -o ' ${directory}/podman[^ ]*' /proc/self/mounts | sort -r | xargs -r umount -l`])
    })

    it('runs, pulled from the registry that it was pushed to', async () => {
      const { directHost: host } = await startTestRegistry()
      build('--push', '-t', `${host}/team/app:1`)
      podman('pull', '-q', '--tls-verify=false', `${host}/team/app:1`)
      const limits = ['--ulimit', 'nofile=1024:4096', '--ulimit', 'nproc=1024:4096']
      const run = ['run', '--rm', '--network', 'none', ...limits]
      assert.equal(podman(...run, `${host}/team/app:1`, 'podman'), SAID('podman'))
      podman('rmi', '-f', `${host}/team/app:1`)
    })
  })
})

/** Single-file commands as artifacts of a registry: published, fetched, pinned, followed. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, describe, it } from 'mocha'
import { digestOf } from '../../src/oci/digest.ts'
import { type Cli, openCli } from '../support/cli.ts'
import { startTestRegistry, type TestRegistry } from '../support/image-registry.ts'
import { installedPlugins, sayingSource, writePlugin } from '../support/plugins.ts'
import { startSecuredRegistry } from '../support/secured-registry.ts'

const execute = promisify(execFile)

describe('a plugin of a registry', () => {
  let cli: Cli
  let registry: TestRegistry
  beforeEach(async () => {
    cli = await openCli()
    registry = await startTestRegistry()
  })

  const inspect = (name: string, key: string): string =>
    cli.output('plugins', 'inspect', '--format', `{{.${key}}}`, name)

  const publish = async (
    said: string,
    tags: readonly string[],
    permissions: readonly string[] = [],
  ): Promise<string> => {
    const file = writePlugin(cli, 'hello.js', sayingSource(said, permissions))
    const names = tags.map((tag) => `${registry.host}/tools/greeter:${tag}`)
    const [first = ''] = (await cli.served.output('plugins', 'publish', file, ...names)).split('\n')
    return first.slice(first.indexOf('@') + 1)
  }

  it('is published by several names and installed elsewhere, pinned by the digest of its manifest', async () => {
    const file = writePlugin(
      cli,
      'hello.ts',
      sayingSource('published').replace('contract:', "version: '2.1',\n  contract:"),
    )
    const name = `${registry.host}/tools/greeter`
    const printed = await cli.served.output('plugins', 'publish', file, `oci://${name}:2.1`, `${name}:latest`)
    const digest = /^oci:\/\/\S+:2\.1@(sha256:[0-9a-f]{64})\noci:\/\/\S+:latest@\1$/.exec(printed)?.[1] ?? ''
    assert.notEqual(digest, '', printed)
    assert.equal(await cli.served.output('plugins', 'publish', file, `${name}:2.1`), `oci://${name}:2.1@${digest}`)

    cli = await openCli()
    assert.equal(await cli.served.output('plugins', 'add', '--digest', digest, `oci://${name}`), 'hello')
    assert.equal(cli.output('hello'), 'published')
    assert.equal(inspect('hello', 'Pinned'), digest)
    assert.equal(inspect('hello', 'Origin'), `oci://${name}:latest`)
    assert.equal(inspect('hello', 'Version'), '2.1')
    assert.equal(inspect('hello', 'Type'), 'ts')
    cli.output('plugins', 'uninstall', 'hello')
    assert.equal(await cli.served.output('plugins', 'add', `oci://${name}@${digest}`), 'hello')
  })

  it('is an artifact that other tools understand', async () => {
    await publish('seen', ['1'])
    const name = `docker://${registry.host}/tools/greeter:1`
    const { stdout } = await execute('skopeo', ['inspect', '--raw', '--tls-verify=false', name])
    const manifest = JSON.parse(stdout) as Record<string, unknown>
    assert.equal(manifest['artifactType'], 'application/vnd.coracle.plugin.v1')
    assert.deepEqual(manifest['annotations'], {
      'org.opencontainers.image.title': 'hello',
      'org.opencontainers.image.description': 'Say seen',
      'coracle.plugin.contract': '^1.0.0',
    })
    const copy = join(cli.directory, 'copy')
    await execute('skopeo', ['copy', '-q', '--src-tls-verify=false', name, `dir:${copy}`])
    assert(readdirSync(copy).some((each) => readFileSync(join(copy, each), 'utf8') === sayingSource('seen')))
  })

  it('is published and fetched with the credentials of a login', async () => {
    await using secured = await startSecuredRegistry({ user: 'ann:secret' })
    const file = writePlugin(cli, 'hello.js', sayingSource('for ann'))
    const name = `${secured.host}/tools/greeter:1`
    assert.match((await cli.served.run('plugins', 'publish', file, name)).stderr, /access denied/)
    await cli.served.output('login', '-u', 'ann', '-p', 'secret', secured.host)
    const printed = await cli.served.output('plugins', 'publish', file, name)
    await cli.served.output('plugins', 'add', printed)
    assert.equal(cli.output('hello'), 'for ann')
    await cli.served.output('logout', secured.host)
    assert.match((await cli.served.run('plugins', 'publish', file, name)).stderr, /access denied/)
  })

  it('is followed when its tag moves, after that was agreed to', async () => {
    const old = await publish('old', ['1'])
    const name = `oci://${registry.host}/tools/greeter:1`
    await cli.served.output('plugins', 'add', '--digest', old, name)
    registry.requests.length = 0
    assert.equal(await cli.served.output('plugins', 'update', 'hello'), 'hello has not changed')
    assert.deepEqual(
      registry.requests.filter((line) => line.startsWith('GET') && line !== 'GET /v2/'),
      [],
    )
    const fresh = await publish('new', ['1'], ['net'])
    const unasked = await cli.served.run('plugins', 'update', '-A', 'hello')
    assert.match(unasked.stderr, /nobody has confirmed/)
    const needy = await cli.served.run('plugins', 'update', '--digest', fresh, 'hello')
    assert.match(needy.stderr, /hello asks for net/)
    assert.equal(cli.output('hello'), 'old')
    assert.equal(inspect('hello', 'Pinned'), old)
    const asked = await cli.served.atTerminal({ input: 'y\ny\n' }, 'plugins', 'update', 'hello')
    assert(asked.stdout.includes(`hello has changed from ${old} to ${fresh}. Take the new one? [y/N]`), asked.stdout)
    assert.match(asked.stdout, /Allow hello to use the network, as client and server\? \(NEW\) \[y\/N\]/)
    assert.equal(cli.output('hello'), 'new')
    assert.equal(inspect('hello', 'Pinned'), fresh)
  })

  it('leaves nothing when its content is not what the digest says', async () => {
    const digest = await publish('honest', ['1'])
    const blob = digestOf(sayingSource('honest')).slice('sha256:'.length)
    const [path = ''] = globSync(`${registry.dataPath}/**/${blob}/data`)
    writeFileSync(path, sayingSource('hacked'))
    const name = `oci://${registry.host}/tools/greeter:1`
    const { status, stderr } = await cli.served.run('plugins', 'add', '--digest', digest, name)
    assert.equal(status, 1)
    assert.match(stderr, /its manifest names sha256:\S+, and the registry sent sha256:/)
    assert.deepEqual(installedPlugins(cli), [])
  })

  it('is refused when it is something else', async () => {
    const put = async (tag: string, manifest: object): Promise<void> => {
      const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' }
      const body = JSON.stringify({ schemaVersion: 2, mediaType: headers['content-type'], ...manifest })
      const answer = await fetch(`http://${registry.host}/v2/tools/greeter/manifests/${tag}`, {
        method: 'PUT',
        headers,
        body,
      })
      assert.equal(answer.status, 201, await answer.text())
    }
    await publish('blobs', ['1'])
    const { config, layers } = (await (
      await fetch(`http://${registry.host}/v2/tools/greeter/manifests/1`, {
        headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
      })
    ).json()) as { config: object; layers: object[] }
    const artifactType = 'application/vnd.coracle.plugin.v1'
    await put('other', { artifactType: 'application/vnd.example', config, layers })
    await put('two', { artifactType, config, layers: [...layers, ...layers] })
    await put('none', { artifactType, config, layers: [] })
    await put('huge', { artifactType, config, layers: [{ ...layers[0], size: 1 << 30 }] })
    const refused = async (tag: string, reason: RegExp): Promise<void> => {
      const { stderr } = await cli.served.run('plugins', 'add', '-A', `oci://${registry.host}/tools/greeter:${tag}`)
      assert.match(stderr, reason)
      assert.deepEqual(installedPlugins(cli), [])
    }
    await refused('other', /it is no plugin but "application\/vnd\.example"/)
    await refused('two', /its manifest names no single file/)
    await refused('none', /its manifest names no single file/)
    await refused('huge', /it is larger than 16 MiB/)
    await refused('gone', /manifest unknown/)
  })

  it('cannot be published when nobody could install it', async () => {
    const to = `${registry.host}/tools/greeter:1`
    const taken = await cli.served.run('plugins', 'publish', writePlugin(cli, 'ps.js', sayingSource('')), to)
    assert.match(taken.stderr, /'ps' is a command of Coracle itself/)
    const hello = writePlugin(cli, 'hello.js', sayingSource('hello'))
    const pinned = await cli.served.run('plugins', 'publish', hello, `${to}@sha256:${'0'.repeat(64)}`)
    assert.match(pinned.stderr, /a digest is what publishing answers/)
    assert.deepEqual(registry.requests, [])
  })
})

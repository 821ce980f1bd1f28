import assert from 'node:assert/strict'
import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'mocha'
import {
  type Credentials,
  eraseCredentials,
  findCredentials,
  storeCredentials,
} from '../../src/registry/credentials.ts'
import { scratchDirectory } from '../support/scratch.ts'

const encode = (text: string) => Buffer.from(text).toString('base64')

describe('credentials', () => {
  let directory = ''
  let env: NodeJS.ProcessEnv = {}
  const path = process.env['PATH']

  beforeEach(async () => {
    directory = await scratchDirectory()
    env = { DOCKER_CONFIG: directory, XDG_CONFIG_HOME: join(directory, 'none'), HOME: directory }
  })

  afterEach(() => {
    process.env['PATH'] = path
  })

  const writeConfig = (config: object) => writeFile(join(directory, 'config.json'), JSON.stringify(config))
  const readConfig = async () =>
    JSON.parse(await readFile(join(directory, 'config.json'), 'utf8')) as Record<string, unknown>

  it('are none where no file is', async () => {
    assert.equal(await findCredentials('registry.example', env), undefined)
  })

  it('are found under the many spellings of a key, colons in the password included', async () => {
    for (const key of [
      'registry.example',
      'https://registry.example',
      'https://registry.example/v1/',
      'registry.example/v2/',
    ]) {
      await writeConfig({ auths: { [key]: { auth: encode('user:pass:word') } } })
      assert.deepEqual(await findCredentials('registry.example', env), { username: 'user', password: 'pass:word' })
    }
  })

  it('are never those of another host', async () => {
    await writeConfig({ auths: { 'registry.example': { auth: encode('user:secret') } } })
    for (const host of ['registry.example.evil', 'evil.registry.example', 'registry.example:5000'])
      assert.equal(await findCredentials(host, env), undefined)
  })

  it('come from DOCKER_AUTH_CONFIG first', async () => {
    await writeConfig({ auths: { 'docker.io': { auth: encode('file:x') } } })
    const given = JSON.stringify({ auths: { 'https://index.docker.io/v1/': { auth: encode('env:y') } } })
    assert.equal((await findCredentials('docker.io', { ...env, DOCKER_AUTH_CONFIG: given }))?.username, 'env')
  })

  it('are stored beside everything else that was in the file, readable by nobody else', async () => {
    await writeConfig({ psFormat: 'table', auths: { other: { auth: encode('a:b') } } })
    const answer = await storeCredentials('registry.example', { username: 'user', password: 'word' }, env)
    assert.equal(answer.plainTextPath, join(directory, 'config.json'))
    assert.deepEqual(await readConfig(), {
      psFormat: 'table',
      auths: { other: { auth: encode('a:b') }, 'registry.example': { auth: encode('user:word') } },
    })
    assert.equal((await stat(join(directory, 'config.json'))).mode & 0o777, 0o600)
  })

  it('are written through a link, which stays one', async () => {
    await writeFile(join(directory, 'dotfile'), '{}')
    await symlink('dotfile', join(directory, 'config.json'))
    await storeCredentials('registry.example', { username: 'user', password: 'word' }, env)
    assert((await lstat(join(directory, 'config.json'))).isSymbolicLink())
    assert.match(await readFile(join(directory, 'dotfile'), 'utf8'), /registry\.example/)
    assert.deepEqual((await readdir(directory)).toSorted(), ['config.json', 'dotfile'])
  })

  it("come from podman's files as well, where the longest name wins", async () => {
    const auths = {
      'registry.example': { auth: encode('all:x') },
      'registry.example/team': { auth: encode('team:x') },
      'registry.example/team/app': { auth: encode('app:x') },
    }
    const file = join(directory, 'auth.json')
    await writeFile(file, JSON.stringify({ auths }))
    const find = async (repository: string) =>
      (await findCredentials('registry.example', { ...env, REGISTRY_AUTH_FILE: file }, repository))?.username
    assert.equal(await find('team/app'), 'app')
    assert.equal(await find('team/app/deeper'), 'app')
    assert.equal(await find('team/application'), 'team')
    assert.equal(await find('other'), 'all')
  })

  it('are erased without a word about hosts that were never there', async () => {
    await storeCredentials('registry.example', { username: 'user', password: 'word' }, env)
    await eraseCredentials('registry.example', env)
    await eraseCredentials('registry.example', env)
    assert.deepEqual(await readConfig(), { auths: {} })
  })

  it('do not show in the error about a damaged file', async () => {
    await writeFile(join(directory, 'config.json'), '{"auths": {"x": {"auth": "c2VjcmV0"')
    await assert.rejects(
      findCredentials('x', env),
      (error: Error) => !error.message.includes('c2Vj') && error.message.includes('config.json'),
    )
  })

  describe('of a helper', () => {
    const script = async (body: string) => {
      const bin = join(directory, 'bin')
      await mkdir(bin)
      await writeFile(join(bin, 'docker-credential-test'), `#!/bin/sh\n${body}\n`)
      await chmod(join(bin, 'docker-credential-test'), 0o755)
      process.env['PATH'] = `${bin}:${path}`
    }

    it('are asked for with the server on stdin', async () => {
      await script('read server; echo "{\\"Username\\": \\"$1\\", \\"Secret\\": \\"$server\\"}"')
      await writeConfig({ credsStore: 'missing', credHelpers: { 'registry.example': 'test' } })
      assert.deepEqual(await findCredentials('registry.example', env), {
        username: 'get',
        password: 'registry.example',
      })
    })

    it('may be an identity token', async () => {
      await script('echo \'{"Username": "<token>", "Secret": "refresh"}\'')
      await writeConfig({ credsStore: 'test' })
      const expected: Credentials = { username: '', password: '', identityToken: 'refresh' }
      assert.deepEqual(await findCredentials('registry.example', env), expected)
    })

    it('are none when it says so, and an error names it when it fails otherwise', async () => {
      await script('echo "credentials not found in native keychain"; exit 1')
      await writeConfig({ credsStore: 'test' })
      assert.equal(await findCredentials('registry.example', env), undefined)
      await writeConfig({ credsStore: 'nowhere' })
      await assert.rejects(
        findCredentials('registry.example', env),
        /docker-credential-nowhere failed: it is not installed/,
      )
    })

    it('are stored in it and not in the file', async () => {
      await script(`cat > "${directory}/kept"`)
      await writeConfig({ credsStore: 'test' })
      assert.deepEqual(await storeCredentials('registry.example', { username: 'user', password: 'word' }, env), {})
      const kept = JSON.parse(await readFile(join(directory, 'kept'), 'utf8')) as unknown
      assert.deepEqual(kept, { ServerURL: 'registry.example', Username: 'user', Secret: 'word' })
      assert.deepEqual(await readConfig(), { credsStore: 'test' })
    })
  })
})

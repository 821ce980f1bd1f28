import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { type Consent, openPlugins, type Plugins } from '../../src/engine/plugins.ts'
import { type Paths, pluginDirectory } from '../../src/paths.ts'
import { pluginSource } from '../support/plugins.ts'

const ALL: Consent = { allowed: new Set(['all']), denyRest: false, ask: undefined }

describe('openPlugins', () => {
  let directory: string
  let paths: Paths
  let plugins: Plugins
  const file = () => join(directory, 'tool.js')
  const write = (summary: string) =>
    writeFileSync(file(), pluginSource('', { summary, permissions: ['net', 'env=HOME', 'engine:read'] }))

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'coracle-plugins-'))
    paths = { root: join(directory, 'root'), run: join(directory, 'run') }
    plugins = openPlugins(paths)
    write('first')
    await plugins.add(file(), { consent: ALL })
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  it('gives back no permission that is revoked while the user is asked about an update', async () => {
    write('second')
    const ask = async () => {
      await plugins.revoke('tool', ['net'])
      return true
    }
    const update = plugins.update('tool', { consent: { allowed: new Set(['net', 'env']), denyRest: false, ask } })
    await assert.rejects(update, { code: 'PLUGIN_CHANGED' })
    const { granted, declaration } = plugins.read('tool')
    assert.deepEqual([granted, declaration.summary], [['env=HOME', 'engine:read'], 'first'])
  })

  it('brings nothing back that is removed while the user is asked about an update', async () => {
    write('second')
    const ask = async () => {
      await plugins.remove('tool')
      return true
    }
    const update = plugins.update('tool', { consent: { allowed: new Set(['net', 'env']), denyRest: false, ask } })
    await assert.rejects(update, { code: 'PLUGIN_CHANGED' })
    assert.deepEqual(plugins.list(), { plugins: [], broken: [] })
  })

  it('gives back no permission that is revoked before a command first runs under another Coracle', async () => {
    const record = join(pluginDirectory(paths, 'tool'), 'plugin.json')
    writeFileSync(record, readFileSync(record, 'utf8').replace(/("contractChecked":)"[^"]*"/, '$1"1.0.0"'))
    const read = plugins.read('tool')
    await plugins.revoke('tool', [])
    assert.equal(await plugins.run(read, { args: {}, flags: {}, words: [] }, () => assert.fail('no engine')), 0)
    const { granted, contractChecked } = plugins.read('tool')
    assert.deepEqual(granted, [])
    assert.notEqual(contractChecked, '1.0.0')
  })

  it('revokes nothing, and says so, when one of the words is not granted', async () => {
    await assert.rejects(plugins.revoke('tool', ['net', 'red']), {
      code: 'PLUGIN_PERMISSION_NOT_GRANTED',
      message: 'tool was not granted red',
      hint: 'it was granted net, env=HOME, engine:read',
    })
    assert.deepEqual(plugins.read('tool').granted, ['net', 'env=HOME', 'engine:read'])
    assert.deepEqual((await plugins.revoke('tool', ['env', 'engine'])).granted, ['net'])
    assert.deepEqual((await plugins.revoke('tool', [])).granted, [])
  })

  it('takes all of many updates and revocations at once, one after the other', async () => {
    const work = Array.from({ length: 12 }, (_, index) => {
      write(`version ${index}`)
      return plugins.update('tool', { consent: ALL }).catch((error: { code?: string }) => error.code)
    })
    const outcomes = await Promise.all(work)
    assert.ok(outcomes.every((each) => each === undefined || typeof each === 'object' || each === 'PLUGIN_CHANGED'))
    assert.equal(await plugins.run(plugins.read('tool'), { args: {}, flags: {}, words: [] }, () => assert.fail()), 0)
  })
})

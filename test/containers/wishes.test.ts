import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { PermissionLabelInvalid, PermissionsNeeded } from '../../src/containers/errors.ts'
import type { Source } from '../../src/containers/obtain-image.ts'
import { parseRunRequest } from '../../src/containers/parse/run-request.ts'
import type { RunFlags } from '../../src/containers/types.ts'
import { PERMISSIONS_LABEL, readWishes, settleWishes } from '../../src/containers/wishes.ts'
import { CoracleError, InvalidArgument } from '../../src/errors.ts'

function imageWith(label?: string): Source {
  return {
    id: undefined,
    name: 'app:1',
    platform: { os: 'wasi', architecture: 'wasm' },
    config: {
      os: 'wasi',
      architecture: 'wasm',
      config: label === undefined ? {} : { Labels: { [PERMISSIONS_LABEL]: label } },
      rootfs: { type: 'layers', diff_ids: [] },
    },
    annotations: {},
    content: { kind: 'layers', lower: [] },
  }
}

const settingsOf = (flags: RunFlags) => parseRunRequest({ image: 'app:1', command: [], flags })

async function settle(label: string | undefined, flags: RunFlags, answers?: (question: string) => boolean) {
  const ask = answers && (async (question: string) => answers(question))
  const { host, config, consent } = await settleWishes(settingsOf(flags), imageWith(label), ask)
  return {
    mounts: host.Mounts.map(({ Source, ReadOnly }) => `${Source}${ReadOnly ? ':ro' : ''}`),
    env: config.Env,
    net: host.AllowNet ?? (consent.granted.has('net') ? 'all' : 'none'),
  }
}

const LABEL = 'read=/etc/ssl write=/var/tmp env=PATH net=api.example:443'
const NOTHING = { mounts: [], env: [], net: 'none' }

describe('what an image of WebAssembly asks for', () => {
  it('is granted by nobody but the user: without a terminal the flags are named', async () => {
    await assert.rejects(settle(LABEL, {}), (error) => {
      assert(error instanceof PermissionsNeeded)
      assert.match(error.message, /^app:1 asks for read=\/etc\/ssl, write=\/var\/tmp, env=PATH, net=api\.example:443$/)
      assert.match(
        error.hint ?? '',
        /--allow-read=\/etc\/ssl --allow-write=\/var\/tmp --allow-env=PATH --allow-net=api/,
      )
      return true
    })
  })

  it('is granted one by one at the terminal', async () => {
    const asked: string[] = []
    const given = await settle(LABEL, {}, (question) => {
      asked.push(question)
      return !question.includes('write')
    })
    assert.deepEqual(given, { mounts: ['/etc/ssl:ro'], env: [`PATH=${process.env['PATH']}`], net: ['api.example:443'] })
    assert.deepEqual(asked, [
      'Allow app:1 to read /etc/ssl?',
      'Allow app:1 to write, make and remove /var/tmp?',
      'Allow app:1 to see the environment variable PATH?',
      'Allow app:1 to reach api.example:443 over the network?',
    ])
    assert.deepEqual(await settle(LABEL, {}, () => false), NOTHING)
  })

  it('is granted by the flags that name it, in whatever words, and all of it by one', async () => {
    const words = {
      volume: ['/srv:/etc'],
      'allow-write': ['/var'],
      env: ['PATH=x'],
      'allow-net': ['api.example:443'],
    }
    assert.deepEqual(await settle(LABEL, words), {
      mounts: ['/srv', '/var'],
      env: ['PATH=x'],
      net: ['api.example:443'],
    })
    const all = await settle(LABEL, { 'allow-all': true })
    assert.deepEqual([all.mounts, all.net], [['/etc/ssl:ro', '/var/tmp'], ['api.example:443']])
    assert.deepEqual(await settle('env=PATH', { 'allow-all': true }), { ...NOTHING, env: all.env }, 'and nothing more')
    const kinds = { 'allow-read': [''], 'allow-write': [''], 'allow-env': [''], 'allow-net': [''] }
    assert.deepEqual(await settle(LABEL, kinds), { ...all, net: 'all' })
  })

  it('is not asked when it is denied', async () => {
    const denied = { 'deny-read': ['/etc'], 'deny-write': [''], 'deny-env': ['PATH'], 'deny-net': ['api.example:443'] }
    assert.deepEqual(await settle(LABEL, denied), NOTHING)
    assert.deepEqual((await settle(LABEL, { ...denied, 'allow-all': true })).mounts, [])
  })

  it('is nothing without a label: a flag without a path is refused then', async () => {
    assert.deepEqual(await settle(undefined, {}), NOTHING)
    assert.deepEqual(await settle(undefined, { 'allow-all': true }), NOTHING)
    for (const flag of ['allow-read', 'allow-env'])
      await assert.rejects(settle(undefined, { [flag]: [''] }), InvalidArgument)
  })

  it('is written in words that cannot be misread', () => {
    for (const label of [
      'run',
      'read',
      'read=etc',
      'write=/',
      'read=/a/..',
      'env',
      'env=A=B',
      'net=:99999',
      'engine:read',
    ])
      assert.throws(() => readWishes(label), CoracleError, label)
    assert.throws(() => readWishes('read=/\u001b[2J'), PermissionLabelInvalid)
    assert.throws(() => readWishes(`env=${'A,'.repeat(100)}A`), CoracleError)
    assert.deepEqual(readWishes(' read=/a//b/,/c\n net '), [
      { kind: 'read', value: '/a/b' },
      { kind: 'read', value: '/c' },
      { kind: 'net', value: '' },
    ])
  })

  it('never crashes, whatever the label holds', () => {
    const piece = fc.constantFrom('read=', 'write=', 'env=', 'net=', '/', 'a', ',', ' ', '..', '*', ':', '\u001b', '=')
    const label = fc.oneof(
      fc.string(),
      fc.array(piece).map((pieces) => pieces.join('')),
    )
    fc.assert(
      fc.property(label, (text) => {
        try {
          for (const { kind, value } of readWishes(text))
            if (kind === 'read' || kind === 'write') assert.match(value, /^\/[^\0]*[^/]$/)
        } catch (error) {
          assert(error instanceof CoracleError)
        }
      }),
    )
  })
})

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { checkStepFlags, parsePlatforms, parseSettings, parseTags } from '../../src/build/parse-request.ts'
import type { BuildRequest } from '../../src/build/types.ts'
import { InvalidArgument } from '../../src/errors.ts'
import { hostPlatform } from '../../src/images/platform.ts'
import { scratchDirectory } from '../support/scratch.ts'

const NOTHING: BuildRequest = {
  context: '.',
  tags: [],
  buildArgs: [],
  labels: [],
  platforms: [],
  contexts: [],
  noCache: false,
  noCacheFilter: [],
  pull: false,
  secrets: [],
  ssh: [],
  allow: [],
  addHosts: [],
  annotations: [],
  attests: [],
  ulimits: [],
  outputs: [],
  env: {},
  signal: new AbortController().signal,
  onEvent: () => {},
}

const settings = (request: Partial<BuildRequest>) => parseSettings({ ...NOTHING, ...request })

describe('the flags of a build', () => {
  it('for commands are checked before there is one, in the words of run', async () => {
    const check = (request: Partial<BuildRequest>) => checkStepFlags({ ...NOTHING, ...request })
    await check({})
    await check({ shmSize: '64m', ulimits: ['nofile=10'], addHosts: ['a:10.0.0.1'] })
    await assert.rejects(check({ shmSize: 'much' }), /invalid argument "much" for "--shm-size"/)
    await assert.rejects(check({ ulimits: ['files=1'] }), /invalid ulimit type: files/)
    await assert.rejects(check({ addHosts: ['a'] }), /bad format for add-host/)
  })

  it('take build arguments from the environment where they have no value, and leave out those that have none there', () => {
    const { buildArgs } = settings({ buildArgs: ['A=1=2', 'B', 'C', 'D='], env: { B: 'from here' } })
    assert.deepEqual(
      [...buildArgs],
      [
        ['A', '1=2'],
        ['B', 'from here'],
        ['D', ''],
      ],
    )
    assert.throws(() => settings({ buildArgs: ['=x'] }), InvalidArgument)
  })

  it('take the latest time from the environment, unless an argument says another', () => {
    assert.equal(settings({ env: { SOURCE_DATE_EPOCH: '12' } }).epoch, 12)
    assert.equal(settings({ env: { SOURCE_DATE_EPOCH: '12' }, buildArgs: ['SOURCE_DATE_EPOCH=13'] }).epoch, 13)
    assert.equal(settings({}).epoch, undefined)
    assert.throws(() => settings({ buildArgs: ['SOURCE_DATE_EPOCH=now'] }), InvalidArgument)
  })

  it('read secrets from files and from the environment', async () => {
    const path = join(await scratchDirectory(), 'token')
    writeFileSync(path, 'in a file')
    const { secrets } = settings({
      secrets: [`id=a,src=${path}`, `src=${path}`, 'id=b,env=TOKEN', 'id=TOKEN'],
      env: { TOKEN: 'in a variable' },
    })
    const texts = [...secrets].map(([id, { value }]) => `${id}: ${value.toString()}`)
    assert.deepEqual(texts, ['a: in a file', 'token: in a file', 'b: in a variable', 'TOKEN: in a variable'])
  })

  it('refuse secrets that are not there, too large, or asked for in other words', async () => {
    const large = join(await scratchDirectory(), 'large')
    writeFileSync(large, Buffer.alloc(600 << 10))
    for (const secret of [`id=a,src=${large}`, 'id=a,src=/no/such', 'id=a,env=NONE', 'id=a,from=x', 'type=file'])
      assert.throws(() => settings({ secrets: [secret] }), InvalidArgument, secret)
  })

  it('find the agent, and refuse what is none', async () => {
    const socket = join(await scratchDirectory(), 'agent')
    const server = createServer().listen(socket)
    await new Promise((resolve) => server.once('listening', resolve))
    try {
      const { ssh } = settings({ ssh: ['default', `other=${socket}`], env: { SSH_AUTH_SOCK: socket } })
      assert.deepEqual(
        [...ssh],
        [
          ['default', socket],
          ['other', socket],
        ],
      )
      assert.throws(() => settings({ ssh: ['default'] }), InvalidArgument)
      assert.throws(() => settings({ ssh: ['key=/etc/passwd'] }), InvalidArgument)
    } finally {
      server.close()
    }
  })

  it('know the networks and the rights that a build may be given', () => {
    assert.equal(settings({ network: 'host' }).network, 'host')
    assert.equal(settings({ network: 'default' }).network, undefined)
    assert.throws(() => settings({ network: 'container:x' }), InvalidArgument)
    assert.throws(() => settings({ allow: ['everything'] }), InvalidArgument)
  })

  it('name images with tags, never with digests, and platforms by list or one by one', () => {
    assert.deepEqual(parseTags(['app', 'localhost:5000/a/b:1']), [
      { repository: 'docker.io/library/app', tag: 'latest' },
      { repository: 'localhost:5000/a/b', tag: '1' },
    ])
    assert.throws(() => parseTags([`app@sha256:${'0'.repeat(64)}`]), InvalidArgument)
    assert.deepEqual(parsePlatforms([]), [hostPlatform()])
    assert.equal(parsePlatforms(['linux/amd64,linux/arm64', 'wasi/wasm']).length, 3)
  })
})

import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'mocha'
import { openDatabase } from '../../src/state/database.ts'
import type { CheckReport, Finding } from '../../src/state/findings.ts'
import { IMAGE } from '../support/coracle.ts'
import { ethernet, four, hear, sendFrames } from '../support/frames.ts'
import { HOST, type Island, inhabit, openIsland, SERVER } from '../support/island.ts'
import { needsRoot } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

describe('system check of networks', function () {
  this.timeout(120_000)
  let island: Island
  let state: string

  before(function () {
    needsRoot(this)
    island = openIsland()
  })
  /** Data roots whose containers a failed test has left. */
  const strays: NodeJS.ProcessEnv[] = []
  after(() => {
    for (const env of strays) island.run(['rm', '-f', 'one'], env)
    island?.close()
  })
  beforeEach(() => {
    state = island.state()
  })

  const findings = (...flags: string[]): readonly Finding[] =>
    (JSON.parse(island.run(['system', 'check', '--format', 'json', ...flags]).stdout) as CheckReport).findings
  const kinds = (...flags: string[]) => findings(...flags).map(({ kind, repaired }) => `${kind} ${repaired}`)
  const fetched = (address: string) =>
    /root/.test(island.machine('curl', '-s', '--max-time', '1', `http://${address}/passwd`).stdout)

  it('finds nothing wrong with networks in use, and makes flushed rules anew with all they let through', async () => {
    island.output('network', 'create', '--ipv6', 'town')
    const web = inhabit(island, 'web', ['--network', 'town', '-p', '28360:80'], SERVER)
    const other = inhabit(island, 'other', ['--network', 'town'])
    await until('the server answers', () => fetched(`${HOST.four}:28360`))
    assert.deepEqual(kinds('--repair'), [])
    // Sets have no order: each element for itself.
    const words = (line: string) =>
      line
        .replace(/^\s*elements = \{/, '')
        .replace(/[ ,}]*$/, '')
        .trim()
    const rules = () => island.host('nft', 'list', 'ruleset').stdout.split('\n').map(words).toSorted()
    const whole = rules()

    island.host('nft', 'flush', 'ruleset')
    assert.deepEqual(kinds(), ['missing-rules false'])
    assert.deepEqual(kinds('--repair'), ['missing-rules true'])
    assert.deepEqual(rules(), whole)
    assert.ok(fetched(`${HOST.four}:28360`))
    assert.ok(fetched(`[${HOST.six}]:28360`))
    const hearing = await hear(web.pid, 'the truth')
    const says = (from: string, text: string) => ethernet(web.mac, other.mac, four(from, web.ip, { port: 9, text }))
    sendFrames(other.pid, [says('203.0.113.5', 'a lie'), says(other.ip, 'the truth')])
    assert.ok(!(await hearing.heard()).some((frame) => frame.includes('a lie')))
    island.output('rm', '-f', 'web', 'other')
    island.output('network', 'prune', '-f')
    assert.equal(island.state(), state)
  })

  it('makes rules of another version anew with the next container, and lets through what they did', async () => {
    island.output('network', 'create', 'town')
    inhabit(island, 'web', ['--network', 'town', '-p', '28361:80'], SERVER)
    await until('the server answers', () => fetched(`${HOST.four}:28361`))
    island.host('nft', 'flush', 'ruleset')
    assert.ok(!fetched(`${HOST.four}:28361`))
    const database = openDatabase(join(island.coracle.env['CORACLE_ROOT'] ?? '', 'state.db'))
    database.exec("UPDATE networks SET live_boot = 'of an older program' WHERE name = 'town'")
    database.close()

    inhabit(island, 'other', ['--network', 'town'])

    assert.ok(fetched(`${HOST.four}:28361`))
    assert.deepEqual(kinds(), [])
    island.output('rm', '-f', 'web', 'other')
    island.output('network', 'prune', '-f')
    assert.equal(island.state(), state)
  })

  it('removes rules, bridge and links that no record explains, and nothing of another data root', async () => {
    const at = (name: string) => join(island.coracle.directory, name)
    const own = { CORACLE_ROOT: at('gone'), CORACLE_RUN: at('gone-run') }
    const check = (...flags: string[]) => {
      const { stdout } = island.run(['system', 'check', '--format', 'json', ...flags], own)
      return (JSON.parse(stdout) as CheckReport).findings.map(({ kind, repaired }) => `${kind} ${repaired}`)
    }
    assert.equal(island.run(['import', at('busybox.tar'), IMAGE], own).status, 0)
    assert.equal(island.run(['run', '-d', '--name', 'one', IMAGE, 'sleep', '600'], own).status, 0)
    const tables = () => island.host('nft', 'list', 'tables').stdout
    assert.equal(tables().match(/coracle-/g)?.length, 2)
    assert.deepEqual(check('--repair'), [])
    assert.deepEqual(kinds('--repair'), [])
    assert.equal(tables().match(/coracle-/g)?.length, 2)

    // The whole data root is gone, as `rm -rf` would have it, while its container still runs.
    renameSync(own.CORACLE_ROOT, at('moved'))
    strays.push({ ...own, CORACLE_ROOT: at('moved') })
    assert.deepEqual(kinds('--repair'), [])
    assert.deepEqual(check(), ['orphaned-rules false'])
    assert.deepEqual(check('--repair'), ['orphaned-rules true'])
    assert.equal(tables(), '')
    assert.doesNotMatch(island.host('ip', 'link').stdout, /cb-|cv-/)
    const moved = { ...own, CORACLE_ROOT: at('moved') }
    assert.equal(island.run(['rm', '-f', 'one'], moved).status, 0)
    assert.equal(island.run(['network', 'prune', '-f'], moved).status, 0)
    assert.equal(island.state(), state)
  })

  it('removes links of endpoints that nobody has', () => {
    island.output('network', 'create', 'town')
    inhabit(island, 'one', ['--network', 'town'])
    const bridge = island.output('network', 'inspect', '--format', 'cb-{{slice .Id 0 8}}', 'town')
    island.host('ip', 'link', 'add', 'cv-0123456789', 'type', 'veth', 'peer', 'name', 'nobody')
    island.host('ip', 'link', 'set', 'cv-0123456789', 'master', bridge)
    assert.deepEqual(
      findings('--repair').map(({ kind, subject }) => `${kind} ${subject}`),
      ['orphaned-link cv-0123456789'],
    )
    assert.doesNotMatch(island.state(), /cv-0123456789/)
    assert.deepEqual(kinds(), [])
  })
})

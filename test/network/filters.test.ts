import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { parseNetworkFilters, parsePruneFilters } from '../../src/network/filters.ts'
import type { NetworkSummary } from '../../src/network/types.ts'

const network = (name: string, more: Partial<NetworkSummary> = {}): NetworkSummary => ({
  id: `${name.charCodeAt(0).toString(16)}0123456789`,
  name,
  driver: 'bridge',
  createdAtMs: 1_000_000,
  internal: false,
  ipv6: false,
  labels: {},
  ...more,
})
const ALL = [
  network('bridge'),
  network('host', { driver: 'host' }),
  network('none', { driver: 'null' }),
  network('web', { labels: { tier: 'front', team: 'one' } }),
  network('database', { labels: { tier: 'back' }, createdAtMs: 3_000_000 }),
]
const isUsed = ({ name }: NetworkSummary) => name === 'web'
const listed = (...filters: string[]) => ALL.filter(parseNetworkFilters(filters, { isUsed })).map(({ name }) => name)
const pruned = (...filters: string[]) => ALL.filter(parsePruneFilters(filters, 5_000_000)).map(({ name }) => name)

describe('filters of networks', () => {
  it('choose by name, id, driver, scope, type, label and use', () => {
    assert.deepEqual(
      listed(),
      ALL.map(({ name }) => name),
    )
    assert.deepEqual(listed('name=b'), ['bridge', 'web', 'database'])
    assert.deepEqual(listed('id=77'), ['web'])
    assert.deepEqual(listed('driver=null'), ['none'])
    assert.deepEqual(listed('scope=swarm'), [])
    assert.equal(listed('scope=local').length, 5)
    assert.deepEqual(listed('type=builtin'), ['bridge', 'host', 'none'])
    assert.deepEqual(listed('type=custom'), ['web', 'database'])
    assert.deepEqual(listed('label=tier'), ['web', 'database'])
    assert.deepEqual(listed('label=tier=front'), ['web'])
    assert.deepEqual(listed('dangling=true'), ['database'])
    assert.deepEqual(listed('dangling=0'), ['bridge', 'host', 'none', 'web'])
  })

  it('take values of one key as alternatives, but all labels, and all keys', () => {
    assert.deepEqual(listed('name=web', 'name=host'), ['host', 'web'])
    assert.deepEqual(listed('name=web', 'driver=host'), [])
    assert.deepEqual(listed('label=tier', 'label=team'), ['web'])
    assert.deepEqual(listed('label=tier=front', 'label=tier=back'), [])
    assert.deepEqual(listed('NAME= web '), ['web'])
  })

  it('of prune choose by age and labels', () => {
    assert.deepEqual(pruned('until=1970-01-01T00:50:00Z'), ['bridge', 'host', 'none', 'web'])
    assert.deepEqual(pruned('until=50m'), ['bridge', 'host', 'none', 'web'])
    assert.deepEqual(pruned('label=tier=back'), ['database'])
    assert.deepEqual(pruned('label!=tier'), ['bridge', 'host', 'none'])
    assert.deepEqual(pruned('label!=tier=back', 'label=tier'), ['web'])
  })

  it('are refused where they mean nothing', () => {
    for (const filter of ['', 'name', '=web', 'na me=web']) assert.throws(() => listed(filter), /bad format of filter/)
    for (const filter of ['until=1h', 'label!=x', 'colour=red', 'constructor=x'])
      assert.throws(() => listed(filter), /invalid filter/)
    for (const filter of ['name=web', 'dangling=true', 'toString=x'])
      assert.throws(() => pruned(filter), /invalid filter/)
    assert.throws(() => listed('type=other'), /invalid filter: 'type'='other'/)
    assert.throws(() => listed('dangling=perhaps'), /dangling=perhaps/)
    assert.throws(() => pruned('until=soon'), /invalid value for "until"/)
  })

  it('are refused in words, whatever is typed', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.tuple(fc.constantFrom('name', 'label', 'dangling', 'type'), fc.string()).map((pair) => pair.join('=')),
        ),
        (text) => {
          for (const parse of [() => listed(text), () => pruned(text)]) {
            try {
              parse()
            } catch (error) {
              assert.match((error as Error).message, /invalid/)
            }
          }
        },
      ),
    )
  })
})

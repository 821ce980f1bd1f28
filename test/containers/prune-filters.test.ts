import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { parsePruneFilters } from '../../src/containers/prune-filters.ts'
import { settingsOf } from '../support/containers.ts'

const container = (createdAtMs: number, labels: readonly string[] = []) => {
  const { config, host, platform } = settingsOf({ label: labels })
  return { createdAtMs, settings: { config, host, platform, argv: [] } }
}

describe('filters of container prune', () => {
  it('take everything when there is none', () => {
    assert(parsePruneFilters([])(container(0)))
  })

  it('take what is older than a moment', () => {
    const old = parsePruneFilters(['until=1h'], 10_000_000)
    assert(old(container(10_000_000 - 3_600_001)))
    assert(!old(container(10_000_000 - 3_599_999)))
  })

  it('take what has a label, or has it not, by key or value; all must hold', () => {
    assert(parsePruneFilters(['label=a'])(container(0, ['a=b'])))
    assert(!parsePruneFilters(['label=a=c'])(container(0, ['a=b'])))
    assert(!parsePruneFilters(['label!=a'])(container(0, ['a=b'])))
    assert(parsePruneFilters(['label!=a=c', 'label=a'])(container(0, ['a=b'])))
    assert(!parsePruneFilters(['label=constructor'])(container(0)))
  })

  it('refuse what they do not know', () => {
    assert.throws(() => parsePruneFilters(['size=1']), /invalid filter 'size'/)
    assert.throws(() => parsePruneFilters(['until']), /bad format of filter/)
  })
})

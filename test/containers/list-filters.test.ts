import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { type FilterContext, parseListFilters } from '../../src/containers/list-filters.ts'
import { advance, type ContainerRecord, changeRecord, findRecord, insertRecord } from '../../src/containers/records.ts'
import type { RunFlags } from '../../src/containers/types.ts'
import { openDatabase } from '../../src/state/database.ts'
import { newContainer, settingsOf } from '../support/containers.ts'
import { scratchDirectory } from '../support/scratch.ts'

const nothing: FilterContext = {
  findContainer: () => Promise.reject(new Error('no such container')),
  networkName: (name: string) => name,
  isBuiltOn: async () => new Set(),
}

async function recordOf(flags: RunFlags = {}, name = 'web'): Promise<ContainerRecord> {
  using database = openDatabase(join(await scratchDirectory(), 'state.db'))
  const { config, host, platform } = settingsOf(flags)
  insertRecord(database, { ...newContainer({ name }), settings: { config, host, platform, argv: ['true'] } })
  const { id } = findRecord(database, name)
  advance(database, id, { to: 'starting' })
  advance(database, id, { to: 'exited', exitStatus: 3 })
  changeRecord(database, id, { health: { Status: 'unhealthy', FailingStreak: 3, Log: [] } })
  return findRecord(database, name)
}

const matches = async (record: ContainerRecord, ...filters: string[]) =>
  (await parseListFilters(filters, nothing)).matches(record)

describe('filters of ps', () => {
  it('look at the ports that are published and exposed, one or a range, of tcp unless another is named', async () => {
    const record = await recordOf({ publish: ['8080:80', '53:53/udp'], expose: ['9000-9001'] })
    for (const filter of [
      'publish=80',
      'publish=80/tcp',
      'publish=70-90',
      'publish=53/udp',
      'expose=9001',
      'expose=80',
    ])
      assert(await matches(record, filter), filter)
    for (const filter of ['publish=8080', 'publish=53', 'publish=9000', 'expose=9002', 'expose=9000/udp'])
      assert(!(await matches(record, filter)), filter)
    await assert.rejects(matches(record, 'publish=http'), /invalid containerPort/)
  })

  it('look at the id, the name, the state, the exit status, the health', async () => {
    const record = await recordOf()
    assert(await matches(record))
    assert(await matches(record, `id=${record.id.slice(0, 5)}`))
    assert(await matches(record, 'name=^/we'))
    assert(await matches(record, 'name=^we'))
    assert(!(await matches(record, 'name=db')))
    assert(await matches(record, 'status=exited', 'exited=3', 'health=unhealthy'))
    assert(!(await matches(record, 'status=running')))
    assert(!(await matches(record, 'exited=0')))
  })

  it('take several values of a key as alternatives, but labels all together', async () => {
    const record = await recordOf({ label: ['a=1', 'b'] })
    assert(await matches(record, 'status=running', 'status=exited'))
    assert(await matches(record, 'label=a', 'label=b'))
    assert(!(await matches(record, 'label=a', 'label=c')))
    assert(await matches(record, 'label=a=1'))
    assert(!(await matches(record, 'label=a=2')))
  })

  it('look at mounts and networks', async () => {
    const record = await recordOf({ volume: ['/src:/data'], network: 'host' })
    assert(await matches(record, 'volume=/data', 'network=host'))
    const connected = await recordOf({ network: 'pasta:-m,1400' })
    assert(await matches(connected, 'network=pasta'))
    assert(!(await matches(connected, 'network=slirp4netns')))
    assert(await matches(record, 'volume=/src'))
    assert(!(await matches(record, 'volume=/other')))
  })

  it('compare with another container, or with the image it stems from', async () => {
    const record = await recordOf()
    const other = { ...(await recordOf({}, 'other')), createdAtMs: record.createdAtMs + 1 }
    const context: FilterContext = {
      findContainer: async () => other,
      networkName: (name: string) => name,
      isBuiltOn: async () => new Set([record.image ?? '']),
    }
    assert((await parseListFilters(['before=other'], context)).matches(record))
    assert(!(await parseListFilters(['since=other'], context)).matches(record))
    assert((await parseListFilters(['ancestor=base'], context)).matches(record))
    assert(!(await parseListFilters(['ancestor=base'], nothing)).matches(record))
    assert((await parseListFilters(['ancestor=busybox'], nothing)).matches(record))
  })

  it('say that stopped containers are wanted when a status is asked for', async () => {
    assert((await parseListFilters(['status=exited'], nothing)).all)
    assert(!(await parseListFilters(['exited=0'], nothing)).all)
  })

  for (const [filter, message] of [
    ['status=asleep', /invalid filter 'status=asleep'/],
    ['exited=often', /invalid filter 'exited=often'/],
    ['health=fine', /invalid filter 'health=fine'/],
    ['constructor=x', /invalid filter 'constructor'/],
    ['status', /bad format of filter/],
  ] as const)
    it(`refuse ${filter}`, async () => {
      await assert.rejects(parseListFilters([filter], nothing), message)
    })
})

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'mocha'
import { joinNetworks } from '../../src/network/attach.ts'
import { createNetwork } from '../../src/network/create.ts'
import { AddressInUse } from '../../src/network/errors.ts'
import { inspectNetwork } from '../../src/network/inspect.ts'
import { endpointsOf } from '../../src/network/records.ts'
import { leaveNetworks } from '../../src/network/release.ts'
import { openDatabase } from '../../src/state/database.ts'
import { scratchDirectory } from '../support/scratch.ts'

const CHILD = join(import.meta.dirname, '../support/lease-child.ts')
const users = { settle: async () => {}, named: () => new Set<string>() }

/** A network below `lo`: it has leases as all have, but nothing of it is in the kernel. */
async function openLan(subnet: string) {
  const directory = await scratchDirectory('coracle-leases-')
  const paths = { root: join(directory, 'root'), run: join(directory, 'run') }
  for (const path of Object.values(paths)) mkdirSync(path)
  const database = openDatabase(join(paths.root, 'state.db'))
  const room = { paths, database }
  const id = await createNetwork(room, 'lan', { driver: 'macvlan', subnet: [subnet], opt: ['parent=lo'] })
  return { directory, room, id, [Symbol.dispose]: () => database.close() }
}

/** Several processes at once, each with several containers. */
async function joinAtOnce(directory: string, processes: number, each: number): Promise<string[]> {
  const children = Array.from({ length: processes }, (_, index) =>
    spawn(process.execPath, [CHILD, directory, 'lan', `process-${index}`, String(each)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  )
  const outputs = children.map(async (child) => {
    const [first] = await once(child.stdout, 'data')
    return { child, first: String(first) }
  })
  for (const { child, first } of await Promise.all(outputs)) {
    assert.equal(first, 'ready\n')
    child.stdin.end('go')
  }
  const lines = await Promise.all(children.map(({ stdout }) => text(stdout)))
  return lines.flatMap((all) => all.trim().split('\n'))
}

describe('leases of addresses', function () {
  this.timeout(60_000)

  it('are given to a hundred containers of ten processes at once, none of them twice', async () => {
    using lan = await openLan('10.61.0.0/24')
    const got = await joinAtOnce(lan.directory, 10, 10)
    assert.equal(new Set(got).size, 100)
    const lowest = Array.from({ length: 100 }, (_, index) => `10.61.0.${index + 2}`)
    assert.deepEqual(got.toSorted(), lowest.toSorted(), 'the lowest free ones, without holes')
    const shown = await inspectNetwork(lan.room, users, 'lan')
    const containers = Object.values(shown['Containers'] as Record<string, { IPv4Address: string }>)
    assert.deepEqual(
      containers.map(({ IPv4Address }) => IPv4Address).toSorted(),
      lowest.map((address) => `${address}/24`).toSorted(),
      'inspect shows what was given',
    )
  })

  it('are as many as there are, and refused afterwards', async () => {
    using lan = await openLan('10.62.0.0/28')
    const got = await joinAtOnce(lan.directory, 6, 5)
    const refused = got.filter((line) => line === 'NO_FREE_ADDRESS')
    assert.equal(refused.length, 30 - 13, 'without first, last and gateway')
    assert.equal(new Set(got).size, 13 + 1)
  })

  it('come back with the end of a container, and are given again', async () => {
    using lan = await openLan('10.63.0.0/29')
    const { room, id } = lan
    const join = (name: string, ipv4?: string) =>
      joinNetworks(room, { id: name, name }, [{ network: 'lan', names: [], ipv4 }])
    for (const name of ['one', 'two', 'three', 'four', 'five']) await join(name)
    await assert.rejects(join('six'), { code: 'NO_FREE_ADDRESS' })
    await leaveNetworks(room, 'two')
    await leaveNetworks(room, 'two')
    const [again] = await join('six')
    assert.equal(again?.endpoint.ipv4, '10.63.0.3')
    await leaveNetworks(room, 'six')
    await join('seven', '10.63.0.3')
    await assert.rejects(join('eight', '10.63.0.3'), AddressInUse)
    assert.equal(endpointsOf(room.database, { network: id }).length, 5)
  })

  it('are all or none where one of several networks has none left', async () => {
    using lan = await openLan('10.64.0.0/30')
    const { room } = lan
    await createNetwork(room, 'wide', { driver: 'macvlan', subnet: ['10.65.0.0/24'], opt: ['parent=lo'] })
    await joinNetworks(room, { id: 'one', name: 'one' }, [{ network: 'lan', names: [] }])
    const both = ['wide', 'lan'].map((network) => ({ network, names: [] }))
    await assert.rejects(joinNetworks(room, { id: 'two', name: 'two' }, both), { code: 'NO_FREE_ADDRESS' })
    assert.deepEqual(endpointsOf(room.database, { container: 'two' }), [])
    const leased = room.database.prepare('SELECT count(*) AS count FROM addresses').get()
    assert.equal(leased?.['count'], 1)
  })
})

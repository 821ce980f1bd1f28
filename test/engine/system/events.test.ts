import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { followEvents, parseEventFilters } from '../../../src/engine/system/events.ts'
import type { SystemRoom } from '../../../src/engine/system/room.ts'
import type { EventOptions } from '../../../src/engine/system/types.ts'
import { type Database, openDatabase } from '../../../src/state/database.ts'
import { logEvent, type StoredEvent } from '../../../src/state/events.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'

async function openRoom(): Promise<SystemRoom & { readonly database: Database }> {
  const root = await scratchDirectory()
  return { paths: { root, run: root }, database: openDatabase(join(root, 'state.db')) } as unknown as SystemRoom
}

async function actions(room: SystemRoom, options: Partial<EventOptions>): Promise<string[]> {
  const found: string[] = []
  for await (const { action } of followEvents(room, { filters: [], ...options })) found.push(action)
  return found
}

const told = (room: SystemRoom, action: string) => logEvent(room.database, { type: 'container', action, actor: 'a' })

describe('events', () => {
  it('of the past come in their order, and the stream ends at the moment asked for', async () => {
    const room = await openRoom()
    for (const action of ['create', 'start', 'die']) told(room, action)
    assert.deepEqual(await actions(room, { since: '1m', until: '0s' }), ['create', 'start', 'die'])
    room.database.close()
  })

  it('of the past are left out unless asked for', async () => {
    const room = await openRoom()
    told(room, 'create')
    assert.deepEqual(await actions(room, { until: '0s' }), [])
    room.database.close()
  })

  it('come as they happen, also from other processes’ connections, none of them lost', async () => {
    const room = await openRoom()
    using other = openDatabase(join(room.paths.root, 'state.db'))
    const abort = new AbortController()
    const seen: string[] = []
    const following = (async () => {
      for await (const { action } of followEvents(room, { filters: [], signal: abort.signal })) seen.push(action)
    })()
    await until('it listens', () => {
      logEvent(other, { type: 'container', action: 'early', actor: 'a' })
      return seen.length > 0
    })
    for (let n = 0; n < 1200; n += 1) logEvent(other, { type: 'container', action: `step ${n}`, actor: 'a' })
    await until('all have come', () => seen.at(-1) === 'step 1199')
    abort.abort()
    await following
    assert.deepEqual(
      seen.filter((action) => action !== 'early'),
      Array.from({ length: 1200 }, (_, n) => `step ${n}`),
    )
    room.database.close()
  })

  it('keep their order when the clock jumps', async () => {
    const room = await openRoom()
    told(room, 'first')
    room.database.exec('UPDATE events SET time_ns = time_ns + 1000000000')
    told(room, 'second')
    assert.deepEqual(await actions(room, { since: '1m', until: '2099-01-01', signal: AbortSignal.timeout(400) }), [
      'first',
      'second',
    ])
    room.database.close()
  })
})

describe('filters of events', () => {
  const event: StoredEvent = {
    sequence: 1,
    timeNs: 0n,
    type: 'container',
    action: 'exec_start: sh -c true',
    actor: 'abcdef',
    attributes: { name: 'web', image: 'registry:5000/app:1', team: 'blue' },
  }
  const matches = (...filters: string[]) => parseEventFilters(filters)(event)

  it('know types, actions, names, ids, images and labels', () => {
    assert(matches())
    assert(matches('type=container', 'event=exec_start', 'container=web', 'label=team'))
    assert(matches('container=abc', 'image=registry:5000/app', 'label=team=blue'))
    assert(!matches('type=image'))
    assert(!matches('event=exec'))
    assert(!matches('image=app'))
    assert(!matches('label=team=red'))
    assert(!matches('volume=web'))
  })

  it('are alternatives within a key', () => {
    assert(matches('event=die', 'event=exec_start'))
  })

  it('refuse what they do not know', () => {
    assert.throws(() => matches('constructor=x'), /invalid filter 'constructor'/)
    assert.throws(() => matches('event'), /bad format of filter/)
  })
})

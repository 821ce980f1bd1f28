import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'mocha'
import { holding } from '../../src/containers/hold.ts'
import { advance, changeRecord, findRecord, insertRecord, readRecord } from '../../src/containers/records.ts'
import { containerDirectory } from '../../src/paths.ts'
import { readEvents } from '../../src/state/events.ts'
import { isAlive } from '../../src/util/process-identity.ts'
import { type BareRoom, openBareRoom } from '../support/bare-room.ts'
import { newContainer } from '../support/containers.ts'
import { needsRoot } from '../support/needs-root.ts'

const DEAD = { pid: 2 ** 22 + 1, startTime: 1 }

async function startSleeper(room: BareRoom, name = 'sleeper') {
  await room.run('sleep 1000', { detach: true, name })
  return findRecord(room.database, name)
}

function actions(room: BareRoom): readonly string[] {
  return readEvents(room.database, 0).map(({ action }) => action)
}

describe('the end of a container', () => {
  before(function () {
    needsRoot(this)
  })

  it('is told once, however many see it at the same time', async () => {
    using room = await openBareRoom()
    const record = await startSleeper(room)
    if (record.process) process.kill(record.process.pid, 'SIGKILL')

    await Promise.all([
      room.engine.wait('sleeper'),
      ...Array.from({ length: 5 }, () => room.engine.stop('sleeper')),
      ...Array.from({ length: 5 }, () => room.engine.list({ all: true })),
    ])

    assert.equal(findRecord(room.database, 'sleeper').exitStatus, 137)
    assert.equal(actions(room).filter((action) => action === 'die').length, 1)
    await room.engine.remove('sleeper')
  })

  it('is the same for all who stop it at once', async () => {
    using room = await openBareRoom()
    await startSleeper(room)

    await Promise.all(Array.from({ length: 4 }, () => room.engine.stop('sleeper', { timeoutSeconds: 0 })))

    assert.equal(findRecord(room.database, 'sleeper').state, 'exited')
    await room.engine.remove('sleeper')
  })

  it('comes by stop also where the run directory has vanished', async () => {
    using room = await openBareRoom()
    const { process: first } = await startSleeper(room)
    rmSync(join(room.paths.run, 'c'), { recursive: true })

    await room.engine.stop('sleeper', { timeoutSeconds: 0 })

    assert(first && !isAlive(first))
    assert.equal(findRecord(room.database, 'sleeper').state, 'exited')
    await room.engine.remove('sleeper')
  })

  it('of an earlier run does nothing to the present one', async () => {
    using room = await openBareRoom()
    const earlier = await startSleeper(room)
    await room.engine.stop('sleeper', { timeoutSeconds: 0 })
    await room.engine.start('sleeper')
    const { finishContainer } = await import('../../src/containers/finish.ts')

    await finishContainer(room.room, earlier, { exit: undefined })

    const now = findRecord(room.database, 'sleeper')
    assert.equal(now.state, 'running')
    assert(now.process && isAlive(now.process))
    await room.engine.remove('sleeper', { force: true })
  })
})

describe('a start', () => {
  before(function () {
    needsRoot(this)
  })

  it('makes good what a killed create has left undone', async () => {
    using room = await openBareRoom()
    const container = newContainer({ name: 'half' })
    const settings = { ...container.settings, argv: ['/bin/sh', '-c', 'exit 6'] }
    insertRecord(room.database, { ...container, settings })
    assert.equal(existsSync(containerDirectory(room.paths, container.id)), false)

    await room.engine.start('half')

    assert.equal(await room.engine.wait('half'), 6)
    await room.engine.remove('half', { force: true })
  })

  it('comes before a removal that is asked for while the container is made', async () => {
    using room = await openBareRoom()
    const container = newContainer({ name: 'unfinished' })
    const { id } = container
    insertRecord(room.database, container)
    let removed = false
    const removal = room.engine.remove('unfinished', { force: true }).then(() => {
      removed = true
    })
    await new Promise((resolve) => setTimeout(resolve, 50)) // a machine too slow for it lets the test pass, never fail
    assert.equal(removed, false)
    assert.equal(readRecord(room.database, id)?.state, 'created')

    changeRecord(room.database, id, { owner: undefined })

    await removal
    assert.equal(readRecord(room.database, id), undefined)
  })

  it('happens once when several want it', async () => {
    using room = await openBareRoom()
    await room.engine.create(
      { image: 'bare', command: ['/bin/sh', '-c', 'sleep 1000'], flags: { name: 'one' } },
      room.io,
    )

    await Promise.all(Array.from({ length: 5 }, () => room.engine.start('one')))

    assert.equal(actions(room).filter((action) => action === 'start').length, 1)
    await room.engine.remove('one', { force: true })
  })

  it('waits while somebody is at work on the files of the container', async () => {
    using room = await openBareRoom()
    const id = await room.engine.create({ image: 'bare', command: ['/bin/true'], flags: { name: 'held' } }, room.io)
    const steps: string[] = []
    const release = Promise.withResolvers<void>()
    const held = holding(room.room, id, () => release.promise).then(() => steps.push('let go'))

    const started = room.engine.start('held').then(() => steps.push('started'))
    assert.equal(readRecord(room.database, id)?.state, 'created')
    release.resolve()
    await Promise.all([held, started])

    assert.deepEqual(steps, ['let go', 'started'])
    await room.engine.remove('held', { force: true })
  })

  it('that the supervisor gave up, because its command was killed, is no end: nothing ever ran', async () => {
    using room = await openBareRoom()
    const id = await room.engine.create({ image: 'bare', command: ['/bin/true'], flags: { name: 'given-up' } }, room.io)
    advance(room.database, id, { to: 'starting', owner: DEAD })
    const record = 'status=125\nsignal=0\noom=0\nfinished=1\nerror=the command that started it is gone\n'
    writeFileSync(join(containerDirectory(room.paths, id), 'exit'), record)

    const [summary] = await room.engine.list({ all: true })

    assert.equal(summary?.state, 'created')
    assert.equal(readRecord(room.database, id)?.error, 'the command that started it is gone')
    assert.deepEqual(actions(room), ['create'])
    await room.engine.remove('given-up')
  })

  it('that was cut short after an earlier run leaves the end of that run, and a container that starts again', async () => {
    using room = await openBareRoom()
    await room.run('exit 3', { name: 'cut' })
    const { id } = findRecord(room.database, 'cut')
    advance(room.database, id, { to: 'starting', owner: DEAD })

    await room.engine.list({ all: true })
    assert.equal(readRecord(room.database, id)?.exitStatus, 3)

    await room.engine.start('cut')
    assert.equal(await room.engine.wait('cut'), 3)
    await room.engine.remove('cut', { force: true })
    assert.deepEqual(readdirSync(join(room.paths.root, 'containers')), [])
  })
})

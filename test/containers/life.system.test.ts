import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { before, describe, it } from 'mocha'
import { attachment } from '../../src/containers/parse/network.ts'
import { advance, changeRecord, findRecord, insertRecord, readRecord } from '../../src/containers/records.ts'
import { startRecord } from '../../src/containers/start-again.ts'
import { containerDirectory, containerRunDirectory } from '../../src/paths.ts'
import { isAlive } from '../../src/util/process-identity.ts'
import { type BareRoom, openBareRoom, openIO } from '../support/bare-room.ts'
import { newContainer } from '../support/containers.ts'
import { needsRoot } from '../support/needs-root.ts'

/** Starts `sleep 1000` on its own and answers its record. */
async function startSleeper(room: BareRoom, name = 'sleeper') {
  await room.run('sleep 1000', { detach: true, name })
  return findRecord(room.database, name)
}

function left(room: BareRoom): string[] {
  const names = (path: string) => (existsSync(path) ? readdirSync(path) : [])
  return [...names(join(room.paths.root, 'containers')), ...names(join(room.paths.run, 'c'))]
}

describe('the life of a container', () => {
  before(function () {
    needsRoot(this)
  })

  it('goes from nothing to nothing with --rm', async () => {
    using room = await openBareRoom()

    const { status, stdout, stderr } = await room.run('echo out; echo err >&2; exit 5', { rm: true })

    assert.deepEqual([status, stdout, stderr], [5, 'out\n', 'err\n'])
    assert.deepEqual(await room.engine.list({ all: true }), [])
    assert.deepEqual(left(room), [])
  })

  it('starts with what it was changed to while the start waited for its turn', async () => {
    using room = await openBareRoom()
    await room.run('true', { name: 'changed' })
    const before = findRecord(room.database, 'changed')
    const host = { ...before.settings.host, NetworkMode: 'gone', Networks: [attachment({ Name: 'gone' })] }
    changeRecord(room.database, before.id, { settings: { ...before.settings, host } })

    await assert.rejects(startRecord(room.room, before, { byUser: true }), /network gone not found/)
  })

  it('ends in a record without --rm, and a log', async () => {
    using room = await openBareRoom()
    await room.run('echo line; exit 5', { name: 'kept' })

    const [summary] = await room.engine.list({ all: true })

    assert.equal(summary?.exitStatus, 5)
    assert.equal(summary?.state, 'exited')
    const log = join(containerDirectory(room.paths, summary.id), `${summary.id}-json.log`)
    assert.match(readFileSync(log, 'utf8'), /"log":"line\\n","stream":"stdout"/)
    assert.equal(existsSync(containerRunDirectory(room.paths, summary.id)), false)
  })

  it('passes input on, and its end', async () => {
    using room = await openBareRoom()

    const { stdout } = await room.run('cat', { rm: true, interactive: true }, 'some input')

    assert.equal(stdout, 'some input')
  })

  it('never loses the status of a container that ends at once', async () => {
    using room = await openBareRoom()
    const statuses = await Promise.all(Array.from({ length: 20 }, (_, n) => room.run(`exit ${n}`, { rm: true })))

    assert.deepEqual(
      statuses.map(({ status }) => status),
      Array.from({ length: 20 }, (_, n) => n),
    )
    assert.deepEqual(left(room), [])
  })

  it('leaves a container that could not start as created, with the reason, and nothing running', async () => {
    using room = await openBareRoom()

    await assert.rejects(
      room.engine.run({ image: 'bare', command: ['no-such-program'], flags: { name: 'failed' } }, openIO()),
      { code: 'PROGRAM_NOT_FOUND', exitCode: 127 },
    )

    const record = findRecord(room.database, 'failed')
    assert.equal(record.state, 'created')
    assert.equal(record.exitStatus, 127)
    assert.match(record.error ?? '', /no-such-program/)
    assert.equal(existsSync(containerRunDirectory(room.paths, record.id)), false)
  })

  it('is found to have ended when container and supervisor were killed: with a status that is not success', async () => {
    using room = await openBareRoom()
    const record = await startSleeper(room)
    assert(record.supervisor && record.process)

    process.kill(record.supervisor.pid, 'SIGKILL')
    process.kill(record.process.pid, 'SIGKILL')
    for (const each of [record.supervisor, record.process]) while (isAlive(each)) await sleep(10)
    const [summary] = await room.engine.list({ all: true })

    assert.equal(summary?.state, 'exited')
    assert.equal(summary?.exitStatus, -1)
    await room.engine.remove('sleeper')
    assert.deepEqual(left(room), [])
  })

  it('is known to go on when only this process forgets it', async () => {
    using room = await openBareRoom()
    await startSleeper(room)

    assert.deepEqual(
      (await room.engine.list()).map(({ name, state }) => [name, state]),
      [['sleeper', 'running']],
    )
    await room.engine.remove('sleeper', { force: true })
  })

  it('is not removed while it runs, unless forced; then it is dead and gone', async () => {
    using room = await openBareRoom()
    const record = await startSleeper(room)

    await assert.rejects(room.engine.remove('sleeper'), { code: 'CONTAINER_RUNNING' })
    await room.engine.remove('sleeper', { force: true })

    assert(record.process && !isAlive(record.process))
    assert.deepEqual(left(room), [])
  })

  it('survives that its run directory vanishes', async () => {
    using room = await openBareRoom()
    const record = await startSleeper(room)
    rmSync(join(room.paths.run, 'c'), { recursive: true })

    assert.equal((await room.engine.list())[0]?.state, 'running')
    await room.engine.remove('sleeper', { force: true })
    assert(record.process && !isAlive(record.process))
  })

  it('is taken up again when the command died between the start and its record', async () => {
    using room = await openBareRoom()
    const { id } = await startSleeper(room)
    room.database.exec(
      "UPDATE containers SET state = 'starting', pid = NULL, supervisor_pid = NULL, owner_pid = 4194305, owner_start = 1",
    )

    const [summary] = await room.engine.list()

    assert.equal(summary?.state, 'running')
    assert(readRecord(room.database, id)?.process)
    await room.engine.remove('sleeper', { force: true })
  })

  it('starts over, or goes, when the command died before there was anything to run', async () => {
    using room = await openBareRoom()
    for (const [name, rm] of [
      ['stays', false],
      ['goes', true],
    ] as const) {
      const container = newContainer({ name })
      const settings = { ...container.settings, host: { ...container.settings.host, AutoRemove: rm } }
      insertRecord(room.database, { ...container, settings })
      advance(room.database, container.id, { to: 'starting', owner: { pid: 2 ** 22 + 1, startTime: 1 } })
    }

    const summaries = await room.engine.list({ all: true })

    assert.deepEqual(
      summaries.map(({ name, state }) => [name, state]),
      [['stays', 'created']],
    )
  })

  it('is removed to the end by the next command when a removal was cut short', async () => {
    using room = await openBareRoom()
    await room.run('true', { name: 'half' })
    advance(room.database, findRecord(room.database, 'half').id, { to: 'removing', owner: undefined })

    assert.deepEqual(await room.engine.list({ all: true }), [])
    assert.deepEqual(left(room), [])
  })

  it('is recorded by the hook of the supervisor when nobody waits', async () => {
    using room = await openBareRoom()
    await room.run('exit 7', { detach: true, name: 'alone' })
    const { id, supervisor } = findRecord(room.database, 'alone')
    while (supervisor && isAlive(supervisor)) await sleep(10) // it becomes the hook

    await room.engine.exited(id)
    await room.engine.exited(id)

    assert.equal(readRecord(room.database, id)?.exitStatus, 7)
  })
})

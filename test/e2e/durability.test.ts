import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'mocha'
import { type Coracle, eventually, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'

const MANY = 50

describe('containers through accidents', () => {
  let coracle: Coracle
  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  after(() => coracle?.close())

  const ended = async (child: ChildProcess) => {
    const [[status], stdout] = await Promise.all([once(child, 'exit'), child.stdout === null ? '' : text(child.stdout)])
    return { status: status as number, stdout }
  }
  const pidRecords = () =>
    readdirSync(join(coracle.directory, 'run/c')).map((name) =>
      readFileSync(join(coracle.directory, 'run/c', name, 'pid'), 'utf8'),
    )
  const killed = (which: 'supervisor' | 'container') => {
    for (const record of pidRecords())
      process.kill(Number(new RegExp(`^${which}=(\\d+)$`, 'm').exec(record)?.[1]), 'SIGKILL')
  }
  const state = (name: string, field: string) => coracle.output('inspect', '--format', `{{.State.${field}}}`, name)

  it('fifty can be started at once, each with its own name and end', async () => {
    const commands = Array.from({ length: MANY }, (_, index) =>
      coracle.start(['run', '-d', '--network', 'none', IMAGE, 'sh', '-c', `sleep 0.2; exit ${index + 1}`]),
    )
    const outcomes = await Promise.all(commands.map(ended))
    assert.deepEqual(new Set(outcomes.map(({ status }) => status)), new Set([0]))
    const ids = outcomes.map(({ stdout }) => stdout.trim())
    assert.equal(new Set(ids).size, MANY)
    const statuses = coracle
      .output('wait', ...ids)
      .split('\n')
      .map(Number)
    assert.deepEqual(
      statuses,
      Array.from({ length: MANY }, (_, index) => index + 1),
    )
    coracle.output('rm', ...ids)
    assert.deepEqual(coracle.leftovers(), [])
  })

  it('of a container whose supervisor was killed the status is -1, before its end and after, never 0', async () => {
    coracle.output('run', '-d', '--name', 'orphan', IMAGE, 'sleep', '1000')
    const waiting = ended(coracle.start(['wait', 'orphan']))
    await new Promise((resolve) => setTimeout(resolve, 300))
    killed('supervisor')
    assert.equal((await waiting).stdout, '-1\n')
    assert.equal(coracle.output('wait', 'orphan'), '-1')
    assert.equal(state('orphan', 'Status'), 'exited')
    coracle.output('rm', 'orphan')
    assert.deepEqual(coracle.leftovers(), [])
  })

  it('the status of one that ended while nobody looked, and whose command was killed, is kept', async () => {
    const command = coracle.start(['run', '--name', 'alone', IMAGE, 'sh', '-c', 'echo here; sleep 0.3; exit 23'])
    await once(command.stdout ?? command, 'data')
    command.kill('SIGKILL')
    await once(command, 'exit')
    assert.equal(coracle.output('wait', 'alone'), '23')
    assert.equal(coracle.output('logs', 'alone'), 'here')
    coracle.output('rm', 'alone')
  })

  it('one that is paused ends with its supervisor as well', async () => {
    coracle.output('run', '-d', '--name', 'frozen', IMAGE, 'sleep', '1000')
    coracle.output('pause', 'frozen')
    killed('supervisor')
    await eventually('the end is seen', () => state('frozen', 'Status') === 'exited')
    assert.equal(state('frozen', 'ExitCode'), '-1')
    coracle.output('rm', 'frozen')
    assert.deepEqual(coracle.leftovers(), [])
  })

  it('a stop does not wait for a supervisor that is killed meanwhile', async () => {
    coracle.output('run', '-d', '--name', 'deaf', IMAGE, 'sh', '-c', 'trap "" TERM; sleep 1000 & sleep 1000')
    const stopping = ended(coracle.start(['stop', '-t', '60', 'deaf']))
    await eventually('the stop has begun', () => coracle.output('ps', '-a', '--format', '{{.State}}') !== '')
    await new Promise((resolve) => setTimeout(resolve, 300))
    killed('supervisor')
    assert.equal((await stopping).status, 0)
    assert.equal(coracle.output('wait', 'deaf'), '-1')
    coracle.output('rm', 'deaf')
  })

  it('after a power cut nothing runs, nothing is in the way, and logs are there', async () => {
    coracle.output('run', '-d', '--name', 'before', IMAGE, 'sh', '-c', 'echo written; sleep 1000')
    await eventually('it has written', () => coracle.output('logs', 'before') === 'written')
    killed('supervisor')
    rmSync(join(coracle.directory, 'run'), { recursive: true })
    assert.match(coracle.output('ps', '-a', '--format', '{{.Names}} {{.Status}}'), /^before Exited \(-1\)/)
    assert.equal(coracle.output('logs', 'before'), 'written')
    coracle.output('start', 'before')
    assert.equal(state('before', 'Status'), 'running')
    coracle.output('rm', '-f', 'before')
    assert.deepEqual(coracle.leftovers(), [])
  })
})

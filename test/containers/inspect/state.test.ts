import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { describeState, timestamp } from '../../../src/containers/inspect/state.ts'
import type { ContainerRecord } from '../../../src/containers/records.ts'

const STARTED = Date.UTC(2026, 0, 2, 3, 4, 5, 60)

function stateOf(record: Partial<ContainerRecord>): Record<string, unknown> {
  const usual = { state: 'exited', oomKilled: false, startedAtMs: STARTED, finishedAtMs: STARTED + 940 } as const
  return describeState({ ...usual, ...record } as ContainerRecord) as Record<string, unknown>
}

describe('State of inspect', () => {
  it('writes times as Go does, and its zero time for what has not happened', () => {
    assert.equal(timestamp(STARTED), '2026-01-02T03:04:05.06Z')
    assert.equal(timestamp(STARTED + 940), '2026-01-02T03:04:06Z')
    assert.equal(timestamp(undefined), '0001-01-01T00:00:00Z')
  })

  it('never calls an end that nobody saw a success', () => {
    assert.equal(stateOf({ exitStatus: -1 })['ExitCode'], -1)
    assert.equal(stateOf({ exitStatus: 137, oomKilled: true })['ExitCode'], 137)
    assert.equal(stateOf({ state: 'created' })['ExitCode'], 0)
  })

  it('counts what is paused, being stopped or about to be restarted as running', () => {
    const told = (state: ContainerRecord['state']) => {
      const { Status, Running, Paused, Restarting } = stateOf({ state })
      return [Status, Running, Paused, Restarting]
    }
    assert.deepEqual(told('running'), ['running', true, false, false])
    assert.deepEqual(told('paused'), ['paused', true, true, false])
    assert.deepEqual(told('stopping'), ['running', true, false, false])
    assert.deepEqual(told('restarting'), ['restarting', true, false, true])
    assert.deepEqual(told('starting'), ['created', false, false, false])
    assert.deepEqual(told('exited'), ['exited', false, false, false])
  })

  it('has the health of a container that is checked, and of no other', () => {
    const health = { Status: 'unhealthy', FailingStreak: 3, Log: [] } as const
    assert.deepEqual(stateOf({ state: 'running', health })['Health'], health)
    assert(!Object.hasOwn(stateOf({ state: 'running' }), 'Health'))
  })
})

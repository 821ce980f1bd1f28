import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { containerStatus } from '../../src/ui/container-status.ts'

const HOUR = 3_600_000

describe('containerStatus', () => {
  const times = { startedAtMs: 0, finishedAtMs: 2 * HOUR, exitStatus: 137 }
  it('tells states in docker’s words', () => {
    const status = (state: string) => containerStatus({ ...times, state }, 5 * HOUR)
    assert.equal(status('running'), 'Up 5 hours')
    assert.equal(status('paused'), 'Up 5 hours (Paused)')
    assert.equal(status('exited'), 'Exited (137) 3 hours ago')
    assert.equal(status('created'), 'Created')
    assert.equal(status('restarting'), 'Restarting (137) 3 hours ago')
    assert.equal(status('stopping'), 'Up 5 hours')
    assert.equal(status('removing'), 'Removal In Progress')
  })

  it('tells the health of what runs', () => {
    const up = (health: string) => containerStatus({ ...times, state: 'running', health }, 5 * HOUR)
    assert.equal(up('starting'), 'Up 5 hours (health: starting)')
    assert.equal(up('healthy'), 'Up 5 hours (healthy)')
    assert.equal(up('unhealthy'), 'Up 5 hours (unhealthy)')
  })
})

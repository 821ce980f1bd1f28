import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'mocha'
import { isAlive, readProcessIdentity } from '../../src/util/process-identity.ts'

describe('readProcessIdentity', () => {
  it('tells this process from another one with the same pid', () => {
    const self = readProcessIdentity(process.pid)
    assert(self)
    assert(isAlive(self))
    assert(!isAlive({ ...self, startTime: self.startTime + 1 }))
  })

  it('counts fields after the last parenthesis, whatever the process calls itself', async () => {
    const child = spawn(process.execPath, [
      '-e',
      'process.title = ") R 1 2 (x"; console.log("ready"); setInterval(() => {}, 1000)',
    ])
    try {
      await once(child.stdout, 'data')
      const identity = readProcessIdentity(child.pid ?? 0)
      assert(identity)
      const uptimeTicks = Number(process.hrtime.bigint() / 10_000_000n)
      assert(identity.startTime > 0 && identity.startTime < uptimeTicks + 1000)
    } finally {
      child.kill('SIGKILL')
    }
  })

  it('takes a process that has ended for dead', async () => {
    const child = spawn('true')
    const pid = child.pid ?? 0
    await once(child, 'exit')
    assert.equal(readProcessIdentity(pid), undefined)
  })
})

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'mocha'
import { measureProcesses } from '../../src/containers/measure.ts'

describe('what processes use', () => {
  it('grows with what they do', async () => {
    const script =
      'const end = Date.now() + 300; while (Date.now() < end); console.log("done"); setInterval(() => {}, 1e6)'
    const busy = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const pid = busy.pid ?? 0
    try {
      await once(busy, 'spawn')
      const before = measureProcesses([pid])
      await once(busy.stdout, 'data')
      const after = measureProcesses([pid])
      assert(after.cpuNs > before.cpuNs)
      assert(after.memoryBytes > 1 << 20)
      assert(after.pids > 1, 'Node has threads')
      const twice = measureProcesses([pid, process.pid])
      assert(twice.memoryBytes > after.memoryBytes && twice.pids > after.pids)
    } finally {
      busy.kill('SIGKILL')
    }
  })

  it('is nothing for those that have ended', () => {
    const nothing = { cpuNs: 0, memoryBytes: 0, pids: 0, blockReadBytes: 0, blockWriteBytes: 0 }
    assert.deepEqual(measureProcesses([2 ** 30]), nothing)
  })
})

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { connectSupervisor } from '../../src/linux/supervisor-client.ts'
import { scratchDirectory } from '../support/scratch.ts'

/** Listens, and takes no connection. */
const DEAF = `import socket, sys, time
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen(5)
print("ready", flush=True)
time.sleep(60)`

describe('connectSupervisor', () => {
  it('finds nobody where there is no socket', async () => {
    assert.equal(await connectSupervisor(await scratchDirectory()), undefined)
  })

  it('finds nobody where the supervisor ends before it has taken the connection', async () => {
    const directory = await scratchDirectory()
    const server = spawn('python3', ['-c', DEAF, join(directory, 'supervisor.sock')])
    await once(server.stdout, 'data')

    const connecting = connectSupervisor(directory)
    server.kill('SIGKILL')
    // Without a turn of the event loop in between, so that the end is what it sees first.
    while (!/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${server.pid}/stat`, 'utf8')));

    assert.equal(await connecting, undefined)
  })
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { openAgent } from '../../../src/build/steps/ssh-agent.ts'
import { scratchDirectory } from '../../support/scratch.ts'

describe('a lent agent', () => {
  it('answers through a socket of its own, until the command has ended', async () => {
    const directory = await scratchDirectory()
    const agent = join(directory, 'agent')
    const server = createServer((client) => client.on('data', (chunk) => client.write(`heard ${chunk}`))).listen(agent)
    await once(server, 'listening')
    const stack = new AsyncDisposableStack()
    try {
      const paths = { root: directory, run: join(directory, 'run') }
      const lent = await openAgent(paths, { agent, mode: 0o640, uid: process.getuid?.() ?? 0, gid: 0 }, stack)
      assert.equal(statSync(lent).mode & 0o777, 0o640)
      const client = connect(lent)
      client.write('question')
      const [answer] = (await once(client, 'data')) as [Buffer]
      assert.equal(answer.toString(), 'heard question')
      const closed = once(client, 'close')
      await stack.disposeAsync()
      await closed
      assert.ok(!existsSync(lent))
    } finally {
      await stack.disposeAsync()
      server.close()
    }
  })
})

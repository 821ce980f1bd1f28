import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe, it } from 'mocha'
import { bindDatagrams } from '../../../src/sandbox/sockets/datagrams.ts'

describe('a socket for datagrams', () => {
  it('leaves no descriptor behind where its address is taken', async () => {
    const address = '127.0.0.1'
    const first = await bindDatagrams({ address, port: 0 }, () => {})
    const port = first.ends().local?.port ?? 0
    const descriptors = () => readdirSync('/proc/self/fd').length
    const before = descriptors()
    for (let times = 0; times < 20; times++)
      await assert.rejects(
        bindDatagrams({ address, port }, () => {}),
        { code: 'EADDRINUSE' },
      )
    first.close()
    assert(descriptors() <= before, `${descriptors()} are open, ${before} were`)
  })
})

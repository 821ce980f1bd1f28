import assert from 'node:assert/strict'
import { it } from 'mocha'
import { writeNetworkNames } from '../../../src/network/names/files.ts'
import { describeNative } from '../../support/native.ts'
import { A, TXT } from './packets.ts'
import { openRoom } from './room.ts'
import { startUpstream } from './upstream.ts'

describeNative('the responder', (native) => {
  it('knows the containers of its networks, in any letters, with and without the last dot', async () => {
    const room = await openRoom({
      native: native(),
      prepare: (names) =>
        writeNetworkNames(names, 'net1', [
          { ipv4: '10.9.0.2', ipv6: 'fd00::2', names: ['web', 'web.front', 'abcdef012345'] },
          { ipv4: '10.9.0.3', names: ['db'] },
        ]),
    })
    assert.deepEqual(await room.ask('web'), ['10.9.0.2'])
    assert.deepEqual(await room.ask('WEB.'), ['10.9.0.2'])
    assert.deepEqual(await room.ask('web.front'), ['10.9.0.2'])
    assert.deepEqual(await room.ask('abcdef012345', 'AAAA'), ['fd00::2'])
    assert.deepEqual(await room.ask('db', 'AAAA'), 'ENODATA')
    const { rcode, answers } = await room.askRaw('web', A)
    assert.deepEqual([rcode, answers], [0, [{ name: 'web', type: A, ttl: 600, data: '10.9.0.2' }]])
    assert.deepEqual((await room.askRaw('web', TXT)).rcode, 0)
  })

  it('asks the host’s resolvers for what it does not know', async () => {
    const upstream = await startUpstream((name) =>
      name === 'outside.example' ? { records: [{ type: A, data: Buffer.of(192, 0, 2, 7), ttl: 77 }] } : undefined,
    )
    const room = await openRoom({ native: native(), config: { upstreams: [upstream.address] } })
    const { id, answers } = await room.askRaw('outside.example')
    assert.deepEqual([id, answers[0]?.data, answers[0]?.ttl], [0x1234, '192.0.2.7', 77])
    assert.equal(await room.ask('nowhere.example'), 'ENOTFOUND')
    assert.deepEqual(upstream.asked, ['udp outside.example', 'udp nowhere.example'])
  })
})

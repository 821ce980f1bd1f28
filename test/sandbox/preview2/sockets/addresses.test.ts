import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { Failure } from '../../../../src/sandbox/preview2/failure.ts'
import {
  ipAddress,
  localEndpoint,
  peerEndpoint,
  remoteEndpoint,
  type SocketAddress,
  socketAddress,
} from '../../../../src/sandbox/preview2/sockets/addresses.ts'

const group = fc.integer({ min: 0, max: 0xffff })
const six = fc.array(group, { minLength: 8, maxLength: 8 })
const four = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 })

const v4 = (address: readonly number[], port = 80): SocketAddress => ({ tag: 'ipv4', val: { address, port } })
const v6 = (address: readonly number[], port = 80): SocketAddress => ({
  tag: 'ipv6',
  val: { address, port, flowInfo: 0, scopeId: 0 },
})
const isInvalid = (error: unknown) => error instanceof Failure && error.payload === 'invalid-argument'

describe('addresses of components', () => {
  it('are read from every way to write them, and come back the same', () => {
    fc.assert(
      fc.property(six, (groups) => {
        fc.pre(groups.slice(0, 5).some((one) => one !== 0))
        const text = groups.map((one) => one.toString(16)).join(':')
        const short = new URL(`http://[${text}]/`).hostname.slice(1, -1)
        for (const written of [text, short, `${short}%eth0`, text.toUpperCase()])
          assert.deepEqual(ipAddress(written), { tag: 'ipv6', val: groups })
        assert.deepEqual(socketAddress({ address: short, port: 1 }), v6(groups, 1))
      }),
    )
    fc.assert(
      fc.property(four, (bytes) => {
        assert.deepEqual(ipAddress(bytes.join('.')), { tag: 'ipv4', val: bytes })
        assert.deepEqual(ipAddress(`64:ff9b::${bytes.join('.')}`)?.val.slice(0, 2), [0x64, 0xff9b])
      }),
    )
  })

  it('are none for whatever else is written', () => {
    fc.assert(fc.property(fc.string(), (text) => void ipAddress(text)))
    for (const text of [
      '',
      '1.2.3',
      '0x7f.1',
      '1.2.3.4.5',
      ':',
      '1::2::3',
      '::ffff:127.0.0.1',
      '::127.0.0.1',
      '::ffff:7f00:1',
    ])
      assert.equal(ipAddress(text), undefined, text)
  })

  it('of the other family, of IPv4 dressed as IPv6, of nobody and of many are refused where they make no sense', () => {
    const mapped = v6([0, 0, 0, 0, 0, 0xffff, 0x7f00, 1])
    for (const check of [localEndpoint, remoteEndpoint, peerEndpoint]) {
      assert.throws(() => check(v4([127, 0, 0, 1]), 'ipv6'), isInvalid)
      assert.throws(() => check(v6([0, 0, 0, 0, 0, 0, 0, 1]), 'ipv4'), isInvalid)
      assert.throws(() => check(mapped, 'ipv6'), isInvalid)
      assert.throws(() => check(v6([0, 0, 0, 0, 0, 0, 0x7f00, 1]), 'ipv6'), isInvalid)
    }
    for (const nobody of [v4([0, 0, 0, 0]), v4([10, 0, 0, 1], 0)])
      for (const check of [remoteEndpoint, peerEndpoint]) assert.throws(() => check(nobody, 'ipv4'), isInvalid)
    assert.throws(() => peerEndpoint(v6([0, 0, 0, 0, 0, 0, 0, 0]), 'ipv6'), isInvalid)
    for (const many of [v4([224, 0, 0, 1]), v4([255, 255, 255, 255])])
      for (const check of [localEndpoint, peerEndpoint]) assert.throws(() => check(many, 'ipv4'), isInvalid)
    assert.throws(() => peerEndpoint(v6([0xff02, 0, 0, 0, 0, 0, 0, 1]), 'ipv6'), isInvalid)
    assert.deepEqual(localEndpoint(v4([0, 0, 0, 0], 0), 'ipv4'), { address: '0.0.0.0', port: 0 })
    assert.deepEqual(peerEndpoint(v6([0, 0, 0, 0, 0, 0, 0, 1]), 'ipv6'), { address: '0:0:0:0:0:0:0:1', port: 80 })
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { readUpstreams } from '../../../src/network/names/upstreams.ts'

describe('readUpstreams', () => {
  it('finds the resolvers of a resolv.conf, in its order', () => {
    const text = [
      '# nameserver 6.6.6.6',
      'search example',
      'nameserver 127.0.0.53',
      '  nameserver\tfd00::1 # ours',
      'nameserver fe80::1%eth0',
      'nameserver',
      'options edns0',
    ].join('\n')
    assert.deepEqual(readUpstreams(text), ['127.0.0.53', 'fd00::1'])
  })
})

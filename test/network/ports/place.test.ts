import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { InvalidArgument } from '../../../src/errors.ts'
import { parsePublish } from '../../../src/network/ports/parse.ts'
import { clashes, defaultAddresses, places } from '../../../src/network/ports/place.ts'
import type { PublishedPort } from '../../../src/network/types.ts'

const BOTH = { ipv4: '172.18.0.2', ipv6: 'fd00::2' }
const FOUR = { ipv4: '172.18.0.2', ipv6: undefined }
const HOST_BINDING = 'com.docker.network.bridge.host_binding_ipv4'

describe('places', () => {
  const found = (text: string, target: typeof BOTH | typeof FOUR, defaults = ['0.0.0.0', '::']) => {
    const [spec] = parsePublish(text)
    assert(spec)
    return places(spec, target, defaults).map(({ hostIp, containerIp }) => `${hostIp} ${containerIp}`)
  }

  it('publishes by those versions of IP that the container has', () => {
    assert.deepEqual(found('80:80', BOTH), ['0.0.0.0 172.18.0.2', ':: fd00::2'])
    assert.deepEqual(found('80:80', FOUR), ['0.0.0.0 172.18.0.2'])
    assert.deepEqual(found('0.0.0.0:80:80', BOTH), ['0.0.0.0 172.18.0.2'])
    assert.deepEqual(found('[::]:80:80', BOTH), [':: fd00::2'])
    assert.deepEqual(found('80:80', BOTH, ['127.0.0.1', '::1']), ['127.0.0.1 172.18.0.2'])
  })

  it('refuses an address that cannot lead to the container', () => {
    assert.throws(() => found('[fd00::1]:80:80', FOUR), /has no IPv6/)
    assert.throws(() => found('[::1]:80:80', BOTH), /the kernel forwards nothing from there/)
  })
})

describe('defaultAddresses', () => {
  it('are those of the network, or of the setting, or all', () => {
    const setting = { CORACLE_PUBLISH_ADDRESS: '127.0.0.1, fd00::1' }
    assert.deepEqual(defaultAddresses({}, {}), ['0.0.0.0', '::'])
    assert.deepEqual(defaultAddresses({ [HOST_BINDING]: '0.0.0.0' }, setting), ['127.0.0.1', 'fd00::1'])
    assert.deepEqual(defaultAddresses({ [HOST_BINDING]: '10.0.0.1' }, setting), ['10.0.0.1'])
    assert.throws(() => defaultAddresses({}, { CORACLE_PUBLISH_ADDRESS: 'eth0' }), InvalidArgument)
  })
})

describe('clashes', () => {
  const at = (hostIp: string, protocol: 'tcp' | 'udp' = 'tcp'): PublishedPort => ({
    protocol,
    hostIp,
    hostPort: 80,
    containerIp: '',
    containerPort: 1,
  })

  it('sees that everywhere holds every address of the same version', () => {
    for (const [one, other, both] of [
      [at('0.0.0.0'), at('127.0.0.1'), true],
      [at(''), at('0.0.0.0'), true],
      [at('::'), at('fd00::1'), true],
      [at('::'), at('0.0.0.0'), false],
      [at('127.0.0.1'), at('10.0.0.1'), false],
      [at('0.0.0.0'), at('0.0.0.0', 'udp'), false],
    ] as const) {
      assert.equal(clashes(one, other), both)
      assert.equal(clashes(other, one), both)
    }
  })
})

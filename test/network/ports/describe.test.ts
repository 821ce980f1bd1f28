import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { describePorts, portsText } from '../../../src/network/ports/describe.ts'
import type { PublishedPort } from '../../../src/network/types.ts'

const at = (hostIp: string, hostPort: number, behind: string): PublishedPort => {
  const [port, protocol] = behind.split('/')
  return { hostIp, hostPort, containerIp: '172.17.0.2', containerPort: Number(port), protocol: protocol as 'tcp' }
}

describe('portsText', () => {
  it('orders by the port of the container, as docker does', () => {
    const ports = [at('::', 8080, '80/tcp'), at('0.0.0.0', 8080, '80/tcp'), at('0.0.0.0', 5353, '53/udp')]
    assert.equal(portsText(ports, []), '0.0.0.0:5353->53/udp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp')
  })

  it('joins neighbours that are the same on both sides, and those that are only exposed', () => {
    const ports = [90, 91, 92].map((port) => at('0.0.0.0', port, `${port}/tcp`))
    assert.equal(
      portsText(ports, ['90/tcp', '8000/tcp', '8001/tcp', '7/udp']),
      '7/udp, 0.0.0.0:90-92->90-92/tcp, 8000-8001/tcp',
    )
    assert.equal(
      portsText([at('127.0.0.1', 8090, '90/tcp'), at('127.0.0.1', 80, '80/tcp')], []),
      '127.0.0.1:80->80/tcp, 127.0.0.1:8090->90/tcp',
    )
  })
})

describe('describePorts', () => {
  it('lists each binding of a port, and null for those that are only exposed', () => {
    const ports = [at('0.0.0.0', 8080, '80/tcp'), at('::', 8080, '80/tcp'), at('', 81, '81/tcp')]
    assert.deepEqual(describePorts(ports, ['9/udp', '80/tcp']), {
      '9/udp': null,
      '80/tcp': [
        { HostIp: '0.0.0.0', HostPort: '8080' },
        { HostIp: '::', HostPort: '8080' },
      ],
      '81/tcp': [{ HostIp: '0.0.0.0', HostPort: '81' }],
    })
  })
})

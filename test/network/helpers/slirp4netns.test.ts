import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { InvalidArgument } from '../../../src/errors.ts'
import { parseSlirpOptions, slirpAddresses, slirpStep } from '../../../src/network/helpers/slirp4netns.ts'
import type { HelperRequest } from '../../../src/network/helpers/types.ts'

const step = (more: Partial<HelperRequest> = {}) =>
  slirpStep({
    program: '/usr/bin/slirp4netns',
    options: [],
    ports: [],
    directory: '/run/c',
    root: false,
    mac: undefined,
    ...more,
  })

describe('slirp4netns', () => {
  it('is started in a sandbox, without a way to the loopback of the host unless the user asks for it', () => {
    const usual = step().argv.join(' ')
    assert.match(usual, /--enable-sandbox --enable-seccomp .*--disable-host-loopback/)
    assert.match(usual, /\{pid\} eth0$/)
    assert.doesNotMatch(step({ options: ['allow_host_loopback=true'] }).argv.join(' '), /disable-host-loopback/)
  })

  it('is asked for each port over its socket, and has none where there is nothing to ask', () => {
    assert.deepEqual([step().socket, step().requests], ['', []])
    const port = { hostIp: '127.0.0.1', hostPort: 8080, containerIp: '', containerPort: 80 }
    const { socket, requests } = step({ options: ['cidr=10.9.0.0/24'], ports: [{ ...port, protocol: 'udp' }] })
    assert.equal(socket, '/run/c/network.sock')
    const [[name, request] = ['', '{}']] = requests
    assert.equal(name, '127.0.0.1:8080')
    assert.deepEqual(JSON.parse(request), {
      execute: 'add_hostfwd',
      arguments: { proto: 'udp', host_addr: '127.0.0.1', host_port: 8080, guest_addr: '10.9.0.100', guest_port: 80 },
    })
  })

  it('hands out addresses of the block that is chosen for it', () => {
    const { address, gateway, resolver, prefix } = slirpAddresses(['cidr=192.168.4.0/22'])
    assert.deepEqual([address, gateway, resolver, prefix], ['192.168.4.100', '192.168.4.2', '192.168.4.3', 22])
  })

  it('takes the options of podman with values that mean something, and nothing else', () => {
    parseSlirpOptions(['mtu=1400', 'enable_ipv6=false', 'outbound_addr=eth0', 'outbound_addr6=fd00::1'])
    const bad = ['mtu', 'mtu=5', 'mtu=99999', 'cidr=10.0.0.0/26', 'cidr=fd00::/64', 'enable_ipv6=maybe', 'x=1', '=']
    for (const option of [...bad, 'port_handler=rootlesskit', 'outbound_addr=a b', 'outbound_addr=fd00::1'])
      assert.throws(() => parseSlirpOptions([option]), InvalidArgument, option)
    fc.assert(
      fc.property(fc.array(fc.string()), (options) => {
        try {
          parseSlirpOptions(options)
        } catch (error) {
          assert.ok(error instanceof InvalidArgument)
        }
      }),
    )
  })
})

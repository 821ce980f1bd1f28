import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { helperMode } from '../../../src/network/helpers/choose.ts'
import { checkPastaOptions, pastaAddresses, pastaStep } from '../../../src/network/helpers/pasta.ts'
import type { HelperRequest } from '../../../src/network/helpers/types.ts'

const words = (more: Partial<HelperRequest> = {}) =>
  pastaStep({
    program: '/usr/bin/pasta',
    options: [],
    ports: [],
    directory: '/run/c',
    root: false,
    mac: undefined,
    ...more,
  }).argv.join(' ')

const port = (protocol: 'tcp' | 'udp', hostIp: string) =>
  ({ protocol, hostIp, hostPort: 8080, containerIp: '10.0.2.100', containerPort: 80 }) as const

describe('pasta', () => {
  it('is started without any way to the loopback of the host, nor one back, unless words of the user say so', () => {
    assert.match(words(), /--no-map-gw --tcp-ports none --udp-ports none --tcp-ns none --udp-ns none \{pid\}$/)
    assert.doesNotMatch(words({ options: ['--map-gw'] }), /map-gw/)
    assert.match(words({ options: ['-T', '5432'] }), /--udp-ns none -T 5432/)
    assert.doesNotMatch(words({ options: ['-T', '5432'] }), /--tcp-ns/)
  })

  it('is told each port with its address', () => {
    const ports = [port('tcp', '0.0.0.0'), port('udp', '127.0.0.1'), port('tcp', '::1')]
    assert.match(
      words({ ports }),
      /--tcp-ports 0\.0\.0\.0\/8080:80 --tcp-ports ::1\/8080:80 --udp-ports 127\.0\.0\.1\/8080:80 --tcp-ns/,
    )
  })

  it('finds the network of root by a descriptor, which needs no rights over the process in it', () => {
    assert.match(words({ root: true }), /--runas 0:0 --netns \/proc\/self\/fd\/0$/)
  })

  it('has the addresses that the user chose, or those that everybody has', () => {
    assert.match(words(), /--address 10\.0\.2\.100 --netmask 24 --gateway 10\.0\.2\.2/)
    assert.equal(pastaAddresses([]).address, '10.0.2.100')
    for (const options of [['-a', '10.1.0.5'], ['-a10.1.0.5'], ['--address', '10.1.0.5'], ['--address=10.1.0.5']]) {
      assert.doesNotMatch(words({ options }), /10\.0\.2/)
      assert.equal(pastaAddresses(options).address, '10.1.0.5')
    }
    // Of the other version of IP: ours stays.
    assert.match(words({ options: ['-a', 'fd00::5'] }), /10\.0\.2\.100/)
  })

  it('refuses words that would take the program out of our hands, and no others', () => {
    for (const option of [
      '--pid',
      '-P',
      '-P/tmp/x',
      '--netns=/x',
      '--userns',
      '--runas',
      '-1',
      '--fd',
      '-F3',
      '--help',
    ])
      assert.throws(() => checkPastaOptions(['-m', '1400', option]), /pasta cannot be given/)
    checkPastaOptions(['-m', '1400', '--pcap', '/tmp/x', '-4', '-I', 'eth1', '--map-gw'])
  })
})

describe('the mode of a helper', () => {
  it('is its name alone, or with a colon and options; anything else is the name of something else', () => {
    assert.deepEqual(helperMode('pasta:-m,1400,'), { name: 'pasta', options: ['-m', '1400'] })
    assert.deepEqual(helperMode('slirp4netns'), { name: 'slirp4netns', options: [] })
    fc.assert(
      fc.property(fc.string(), (text) => {
        const known = /^(?:pasta|slirp4netns)(?::|$)/.test(text)
        assert.equal(helperMode(text) !== undefined, known)
      }),
    )
    for (const name of ['pastas', 'my-pasta', 'host', 'container:pasta']) assert.equal(helperMode(name), undefined)
  })
})

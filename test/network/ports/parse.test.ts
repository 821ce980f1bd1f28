import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { InvalidArgument } from '../../../src/errors.ts'
import { parseExpose, parsePublish } from '../../../src/network/ports/parse.ts'

const port = fc.integer({ min: 1, max: 65_535 })
const protocols = fc.constantFrom('tcp', 'udp', 'sctp')

describe('parsePublish', () => {
  const one = (text: string) => {
    const [spec, ...others] = parsePublish(text)
    assert.equal(others.length, 0)
    return [spec?.hostIp, spec?.hostPorts, spec?.containerPort, spec?.protocol]
  }

  it('reads all forms of docker', () => {
    assert.deepEqual(one('80'), ['', undefined, 80, 'tcp'])
    assert.deepEqual(one('80/udp'), ['', undefined, 80, 'udp'])
    assert.deepEqual(one('8080:80'), ['', [8080, 8080], 80, 'tcp'])
    assert.deepEqual(one(':80'), ['', undefined, 80, 'tcp'])
    assert.deepEqual(one('::80'), ['', undefined, 80, 'tcp'])
    assert.deepEqual(one('127.0.0.1::80/SCTP'), ['127.0.0.1', undefined, 80, 'sctp'])
    assert.deepEqual(one('127.0.0.1:8080:80'), ['127.0.0.1', [8080, 8080], 80, 'tcp'])
    assert.deepEqual(one('8000-8010:80'), ['', [8000, 8010], 80, 'tcp'])
    assert.deepEqual(one('[::1]:8080:80'), ['::1', [8080, 8080], 80, 'tcp'])
    assert.deepEqual(one('[::]::80'), ['::', undefined, 80, 'tcp'])
    assert.deepEqual(one('FD00:0:0::5:8080:80'), ['fd00::5', [8080, 8080], 80, 'tcp'])
    assert.deepEqual(
      parsePublish('0.0.0.0:90-92:80-82/udp').map(({ hostPorts, containerPort }) => [hostPorts?.[0], containerPort]),
      [
        [90, 80],
        [91, 81],
        [92, 82],
      ],
    )
  })

  it('refuses what makes no sense, and says what is wrong with it', () => {
    for (const [text, message] of [
      ['', /invalid containerPort: $/],
      ['8080:', /invalid containerPort: $/],
      ['0', /invalid containerPort: 0/],
      ['65536', /invalid containerPort: 65536/],
      ['http:80', /invalid hostPort: http/],
      ['80/icmp', /invalid proto: icmp/],
      ['90-80', /invalid containerPort: 90-80/],
      ['90-92:80-81', /invalid ranges specified for container and host Ports: 80-81 and 90-92/],
      ['256.0.0.1:80:80', /invalid IP address: 256.0.0.1/],
      ['localhost:80:80', /invalid IP address: localhost/],
      ['[127.0.0.1]:80:80', /invalid IP address: \[127.0.0.1\]/],
      ['fe80::1%eth0:80:80', /invalid IP address/],
    ] as const)
      assert.throws(
        () => parsePublish(text),
        (error) => error instanceof InvalidArgument && message.test(error.message),
        text,
      )
  })

  it('reads what is written of any address, port and protocol', () => {
    const address = fc.oneof(
      fc.ipV4(),
      fc.ipV6().filter((text) => isIP(text) === 6),
    )
    fc.assert(
      fc.property(address, port, port, protocols, (ip, hostPort, containerPort, protocol) => {
        const written = ip.includes(':') ? `[${ip}]` : ip
        const [spec] = parsePublish(`${written}:${hostPort}:${containerPort}/${protocol}`)
        assert.deepEqual(spec?.hostPorts, [hostPort, hostPort])
        assert.equal(spec?.containerPort, containerPort)
        assert.equal(spec?.protocol, protocol)
        assert.equal(isIP(spec?.hostIp ?? ''), isIP(ip))
        assert.deepEqual(parsePublish(`${ip}:${hostPort}:${containerPort}/${protocol}`), [spec])
      }),
    )
  })

  it('gives ranges of any size one port each, in order', () => {
    fc.assert(
      fc.property(port, port, fc.integer({ min: 0, max: 300 }), (host, container, more) => {
        fc.pre(host + more <= 65_535 && container + more <= 65_535)
        const specs = parsePublish(`${host}-${host + more}:${container}-${container + more}`)
        assert.equal(specs.length, more + 1)
        for (const [index, spec] of specs.entries()) {
          assert.equal(spec.hostPorts?.[0], host + index)
          assert.equal(spec.containerPort, container + index)
        }
      }),
    )
  })

  it('answers any text with ports within bounds or with a refusal of one line', () => {
    const alphabet = fc.string({ unit: fc.constantFrom(...'0123456789:.-/[]abtcpud %\n'), maxLength: 40 })
    fc.assert(
      fc.property(fc.oneof(alphabet, fc.string()), (text) => {
        try {
          for (const { containerPort, hostIp, hostPorts } of parsePublish(text)) {
            assert.ok(containerPort >= 1 && containerPort <= 65_535)
            assert.ok(hostIp === '' || isIP(hostIp) !== 0)
            assert.ok(hostPorts === undefined || (hostPorts[0] >= 1 && hostPorts[1] <= 65_535))
          }
        } catch (error) {
          assert.ok(error instanceof InvalidArgument, String(error))
        }
      }),
    )
  })
})

describe('parseExpose', () => {
  it("reads ports and ranges as docker's keys", () => {
    assert.deepEqual(parseExpose('80'), ['80/tcp'])
    assert.deepEqual(parseExpose('53-55/udp'), ['53/udp', '54/udp', '55/udp'])
    assert.throws(() => parseExpose('80:80'), InvalidArgument)
  })
})

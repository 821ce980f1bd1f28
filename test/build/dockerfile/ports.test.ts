import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { parsePorts } from '../../../src/build/dockerfile/ports.ts'
import { refusal } from '../../support/dockerfiles.ts'

describe('ports of EXPOSE', () => {
  for (const [word, ports, isMapping] of [
    ['80', ['80/tcp'], false],
    ['0', ['0/tcp'], false],
    ['65535/SCTP', ['65535/sctp'], false],
    ['80/', ['80/tcp'], false],
    ['8000-8002/udp', ['8000/udp', '8001/udp', '8002/udp'], false],
    ['80-80', ['80/tcp'], false],
    ['8080:80', ['80/tcp'], true],
    ['127.0.0.1:8080:80/udp', ['80/udp'], true],
    ['127.0.0.1::80', ['80/tcp'], true],
    ['[::1]:8080:80', ['80/tcp'], true],
    ['8000-8010:80', ['80/tcp'], true],
  ] as const)
    it(`are ${ports.join(' ')} for ${word}`, () => {
      const parsed = parsePorts(word)
      assert.deepEqual([parsed.ports, parsed.isMapping], [ports, isMapping])
    })

  for (const [word, problem] of [
    ['', 'invalid port: "": no port specified'],
    ['/tcp', 'invalid port: "/tcp": no port specified'],
    ['80/http', 'invalid port: "80/http": invalid proto: http'],
    ['http', 'invalid port: "http": invalid containerPort: http'],
    ['65536', 'invalid port: "65536": invalid containerPort: 65536'],
    ['90-80', 'invalid port: "90-80": invalid containerPort: 90-80'],
    ['-1', 'invalid port: "-1": invalid containerPort: -1'],
    ['x:80', 'invalid port: "x:80": invalid hostPort: x'],
    ['host:1:80', 'invalid port: "host:1:80": invalid IP address'],
    ['1-3:80-81', 'invalid port: "1-3:80-81": invalid ranges specified for container and host Ports'],
  ] as const)
    it(`are refused: ${word}`, () => {
      assert.equal(refusal(() => parsePorts(word)).problem, problem)
    })
})

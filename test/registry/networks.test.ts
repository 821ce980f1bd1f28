import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { isLoopback, matchesHost } from '../../src/registry/networks.ts'
import { proxyFor } from '../../src/registry/proxy.ts'

describe('matchesHost', () => {
  const cases: readonly (readonly [entry: string, host: string, port: string, expected: boolean])[] = [
    ['registry.example', 'registry.example', '443', true],
    ['registry.example', 'other.registry.example', '443', false],
    ['registry.example:5000', 'registry.example', '5000', true],
    ['registry.example:5000', 'registry.example', '443', false],
    ['.example', 'registry.example', '443', true],
    ['.example', 'example', '443', true],
    ['*.example', 'registry.example', '443', true],
    ['10.0.0.0/8', '10.1.2.3', '443', true],
    ['10.0.0.0/8', '11.1.2.3', '443', false],
    ['10.0.0.0/99', '10.1.2.3', '443', false],
    ['fd00::/8', 'fd12::1', '443', true],
    ['*', 'anything', '1', true],
    ['', 'anything', '1', false],
  ]
  for (const [entry, host, port, expected] of cases) {
    it(`takes ${JSON.stringify(entry)} ${expected ? 'to mean' : 'not to mean'} ${host}:${port}`, () => {
      assert.equal(matchesHost([entry], host, port), expected)
    })
  }
})

describe('isLoopback', () => {
  it('knows names and addresses of this machine, and no others', () => {
    for (const host of ['localhost', 'a.localhost', '127.0.0.1', '127.9.9.9', '::1']) assert(isLoopback(host), host)
    for (const host of ['127.evil.example', 'localhost.example', '10.0.0.1', '::2']) assert(!isLoopback(host), host)
  })
})

describe('proxyFor', () => {
  const env = {
    HTTPS_PROXY: 'http://proxy.example:3128',
    http_proxy: 'plain.example:8080',
    NO_PROXY: 'direct.example,.internal',
  }

  it('chooses by scheme, in either spelling of the variables', () => {
    assert.equal(proxyFor(new URL('https://registry.example/v2/'), env), 'http://proxy.example:3128')
    assert.equal(proxyFor(new URL('http://registry.example/v2/'), env), 'http://plain.example:8080')
  })

  it('goes directly to what NO_PROXY names, and to this machine', () => {
    for (const host of ['direct.example', 'a.internal', '127.0.0.1:5000', 'localhost'])
      assert.equal(proxyFor(new URL(`https://${host}/v2/`), env), undefined)
  })
})

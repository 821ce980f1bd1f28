import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { servedPorts } from '../../../src/containers/networks/served.ts'

type Settings = Parameters<typeof servedPorts>[0]

function settings(host: Partial<Settings['host']>, exposed: readonly string[] = []): Settings {
  const ExposedPorts = Object.fromEntries(exposed.map((key) => [key, {}]))
  return { host: { NetworkMode: 'bridge', ...host }, config: { ExposedPorts } } as Settings
}

describe('the ports that a container serves', () => {
  it('are those that are published, as the user named them, then those that are exposed, each once', () => {
    const Publish = ['8000:80', '127.0.0.1::22', '9000-9001:9000-9001']
    assert.deepEqual(
      servedPorts(settings({ Publish }, ['443/tcp', '80/tcp', '7-8/tcp'])),
      [80, 22, 9000, 9001, 443, 7, 8],
    )
  })

  it('are those of TCP', () => {
    assert.deepEqual(servedPorts(settings({ Publish: ['53:53/udp'] }, ['53/udp', '54/sctp'])), [])
  })

  it('are none without a network', () => {
    assert.deepEqual(servedPorts(settings({ NetworkMode: 'none', Publish: ['80:80'] })), [])
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import type { ContainerSummary } from '../../src/containers/types.ts'
import { CONTAINER_HEADINGS, containerRow } from '../../src/ui/container-rows.ts'
import { formatRows } from '../../src/ui/format-rows.ts'

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)
const MINUTE = 60_000

const container: ContainerSummary = {
  id: `${'abcdef'.repeat(10)}abcd`,
  name: 'web',
  imageName: 'app:1',
  image: `sha256:${'1'.repeat(64)}`,
  backend: 'linux',
  command: 'sh -c \'echo a "long" line\'',
  state: 'running',
  createdAtMs: NOW - 5 * MINUTE,
  startedAtMs: NOW - 3 * MINUTE,
  finishedAtMs: undefined,
  exitStatus: undefined,
  health: 'healthy',
  labels: { team: 'blue', 'a.b': '' },
  mounts: ['/short', '/a/path/that/is/long'],
  networkMode: 'none',
  size: undefined,
}

function row(changes: Partial<ContainerSummary> = {}, full = false): Readonly<Record<string, unknown>> {
  return containerRow({ ...container, ...changes }, { full, nowMs: NOW })
}

describe('rows of ps', () => {
  it('cut long texts as docker does, but not when everything is wanted', () => {
    const { ID, Command, Mounts } = row()
    assert.deepEqual([ID, Command, Mounts], ['abcdefabcdef', '"sh -c \'echo a \\"long…"', '/short,/a/path/that/i…'])
    assert.equal(row({ command: '🛶'.repeat(21) })['Command'], `"${'🛶'.repeat(19)}…"`)
    const whole = row({}, true)
    assert.equal(whole['ID'], container.id)
    assert.equal(whole['Command'], JSON.stringify(container.command))
    assert.equal(whole['Mounts'], '/short,/a/path/that/is/long')
  })

  it('have docker’s words for state, times and labels', () => {
    const { Status, State, RunningFor, CreatedAt, Labels } = row()
    assert.deepEqual([Status, State, RunningFor], ['Up 3 minutes (healthy)', 'running', '5 minutes ago'])
    assert.equal(CreatedAt, '2026-01-02 02:59:05 +0000 UTC')
    assert.equal(Labels, 'team=blue,a.b=')
    assert.equal(row({ state: 'stopping' })['State'], 'running')
    assert.equal(row({ state: 'starting' })['State'], 'created')
  })

  it('count sizes where they are known', () => {
    assert.equal(row()['Size'], '0B')
    assert.equal(row({ size: { writableBytes: 10, virtualBytes: 1_982_291 } })['Size'], '10B (virtual 1.98MB)')
  })

  it('name no network for a container in the network of another one', () => {
    assert.equal(row({ networkMode: 'host' })['Networks'], 'host')
    assert.equal(row({ networkMode: 'container:db' })['Networks'], '')
  })

  it('answer templates with labels, and with no label for names that objects have of their own', () => {
    const lines = (format: string) => formatRows([row()], { format, columns: [], headings: CONTAINER_HEADINGS })
    assert.deepEqual(lines('{{.Label "team"}}|{{.Label "constructor"}}|'), ['blue||'])
    assert.deepEqual(lines('table {{.Names}}\\t{{.Label "team"}}'), ['NAMES     team', 'web       blue'])
  })
})

/** Drivers of npm plugins: volumes, networks, logs, credentials. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, before, beforeEach, describe, it } from 'mocha'
import { type Coracle, eventually, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { packPackage, writePackage } from '../support/npm-plugins.ts'

const VOLUMES = `
import { appendFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { defineVolumeDriver } from 'coracle/plugin'
export default defineVolumeDriver(({ dataDirectory }) => {
  const at = (name) => join(dataDirectory, name)
  const tell = (...words) => appendFileSync(join(dataDirectory, 'told'), words.join(' ') + '\\n')
  return {
    create({ name, options }) {
      if (options.colour === 'green') throw Object.assign(new Error('green is sold out'), { hint: 'try blue' })
      mkdirSync(at(name), { recursive: true })
      tell('create', name, JSON.stringify(options))
    },
    remove: ({ name }) => { rmSync(at(name), { recursive: true, force: true }); tell('remove', name) },
    mount: ({ name, options }, container) => { tell('mount', name); return options.colour === 'none' ? '/nowhere/at/all' : at(name) },
    unmount: ({ name }) => { tell('unmount', name); if (name === 'stuck') throw new Error('it is stuck') },
  }
})
`

const NETWORKS = `
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
export default ({ dataDirectory }) => {
  const tell = (...words) => appendFileSync(join(dataDirectory, 'told'), words.join(' ') + '\\n')
  return {
    create: ({ name, options }) => { if (options.parent === undefined) throw new Error('which parent?'); tell('create', name) },
    remove: ({ name }) => tell('remove', name),
    join: ({ options }, endpoint) => {
      tell('join', endpoint.interface, endpoint.ipv4)
      if (options.parent === 'wrong') return [{ do: 'sublink', kind: 4 }]
      return [{ do: 'sublink', kind: 'macvlan', parent: options.parent, container: endpoint.interface, mode: 'bridge', mac: endpoint.mac }]
    },
    leave: (network, endpoint) => tell('leave', endpoint.interface),
  }
}
`

const LOGS = `
import { appendFileSync } from 'node:fs'
export default ({ name }, container) => {
  const { file } = container.options
  if (file === undefined) throw new Error('which file?')
  return {
    write: async ({ stream, text, timeNs }) => appendFileSync(file, container.name + ' ' + stream + ' ' + typeof timeNs + ' ' + text),
    close: async () => appendFileSync(file, 'closed\\n'),
  }
}
`

const CREDENTIALS = `
let input = ''
for await (const chunk of process.stdin) input += chunk
const { appendFileSync } = await import('node:fs')
appendFileSync(process.env.HOME + '/helped', process.argv[2] + ' ' + input + '\\n')
if (process.argv[2] === 'get') console.log('credentials not found in native keychain')
if (process.argv[2] === 'get') process.exit(1)
`

describe('drivers of npm plugins', () => {
  let coracle: Coracle
  before(function () {
    needsRoot(this)
  })
  beforeEach(() => {
    coracle = openCoracle()
  })
  afterEach(() => coracle.close())

  const install = (kind: string, source: string) => {
    const more = { coracle: { contract: '^1.0.0', [kind]: { mine: './driver.js' } } }
    const parts = { more, files: { 'driver.js': source } }
    coracle.output('plugins', 'install', packPackage(writePackage(coracle.directory, parts)))
  }
  const told = (kind: string) =>
    readFileSync(join(coracle.directory, 'root/npm-data/coracle-plugin-test', kind, 'mine/told'), 'utf8')
      .split('\n')
      .slice(0, -1)
  const run = (...words: string[]) => coracle.output('run', '--rm', '--network', 'none', ...words)

  it('keep volumes: made, mounted, given back and removed', () => {
    const unknown = coracle.run(['volume', 'create', '-d', 'mine', 'data'])
    assert.match(unknown.stderr, /^coracle: error looking up volume plugin mine: plugin "mine" not found\n/)
    install('volumeDrivers', VOLUMES)
    assert.equal(coracle.output('volume', 'create', '-d', 'mine', '-o', 'colour=blue', 'data'), 'data')
    assert.equal(coracle.output('volume', 'ls', '--format', '{{.Driver}} {{.Name}}'), 'mine data')
    run('-v', 'data:/data', IMAGE, 'sh', '-c', 'echo kept > /data/file')
    assert.equal(run('--mount', 'type=volume,src=data,dst=/data,readonly', IMAGE, 'cat', '/data/file'), 'kept')
    assert.equal(run('--mount', 'type=volume,src=other,dst=/o,volume-driver=mine', IMAGE, 'ls', '/o'), '')
    assert.match(coracle.run(['volume', 'rename', 'data', 'more']).stderr, /the data of volume data are not here/)
    const refused = coracle.run(['volume', 'create', '-d', 'mine', '-o', 'colour=green', 'leaf'])
    assert.equal(
      refused.stderr,
      'coracle: the volume driver mine of coracle-plugin-test: green is sold out\ntry blue\n',
    )
    assert.equal(coracle.output('volume', 'ls', '-q', '-f', 'name=leaf'), '')
    coracle.output('volume', 'rm', 'data', 'other')
    const twice = ['mount data', 'unmount data']
    const expected = [
      'create data {"colour":"blue"}',
      ...twice,
      ...twice,
      'create other {}',
      'mount other',
      'unmount other',
    ]
    assert.deepEqual(told('volumeDrivers'), [...expected, 'remove data', 'remove other'])
  })

  it('that give no directory for a volume, or fail at the end, leave no container in the way', () => {
    install('volumeDrivers', VOLUMES)
    coracle.output('volume', 'create', '-d', 'mine', '-o', 'colour=none', 'void')
    const { status, stderr } = coracle.run(['run', '--rm', '--network', 'none', '-v', 'void:/v', IMAGE, 'true'])
    assert.equal(status, 125)
    assert.match(stderr, /it has no directory for the volume void/)
    coracle.output('volume', 'create', '-d', 'mine', 'stuck')
    run('-v', 'stuck:/v', IMAGE, 'true')
    const since = [
      'events',
      '--since',
      '1h',
      '--until',
      '0s',
      '--filter',
      'event=unmount_failed',
      '--format',
      '{{json .}}',
    ]
    assert.match(coracle.output(...since), /it is stuck/)
    assert.deepEqual(coracle.leftovers(), [])
  })

  it('make networks: Coracle gives the addresses, they the links', () => {
    install('networkDrivers', NETWORKS)
    assert.match(coracle.run(['network', 'create', '-d', 'mine', 'lan']).stderr, /which parent\?/)
    assert.equal(coracle.output('network', 'ls', '-q', '-f', 'name=lan'), '')
    coracle.output('network', 'create', '-d', 'mine', '-o', 'parent=lo', '--subnet', '10.211.7.0/24', 'lan')
    coracle.output('network', 'create', '-d', 'mine', '-o', 'parent=wrong', '--subnet', '10.211.8.0/24', 'bad')
    assert.match(
      coracle.run(['run', '--rm', '--network', 'bad', IMAGE, 'true']).stderr,
      /steps in its answer that make no sense/,
    )
    const parent = coracle.run(['run', '--rm', '--network', 'lan', IMAGE, 'true'])
    assert.notEqual(parent.status, 0) // nothing goes below the loopback link, which the kernel says
    coracle.output('network', 'rm', 'lan', 'bad')
    const lines = told('networkDrivers')
    assert.deepEqual(
      lines.filter((line) => line.startsWith('join')),
      ['join eth0 10.211.8.2', 'join eth0 10.211.7.2'],
    )
    assert(lines.filter((line) => line === 'leave eth0').length >= 2)
    assert.deepEqual(lines.slice(-2), ['remove lan', 'remove bad'])
    assert.deepEqual(coracle.leftovers(), [])
  })

  it('leave volumes and networks behind that hold nothing up, and can be forgotten', () => {
    const failing = "async () => { throw new Error('out of order') }"
    const extensions = { volumeDrivers: { mine: './v.js' }, networkDrivers: { mine: './n.js' } }
    const files = {
      'v.js': `export default () => ({ create() {}, remove: ${failing}, mount() {}, unmount() {} })`,
      'n.js': `export default () => ({ create() {}, remove: ${failing}, join() {}, leave() {} })`,
    }
    const more = { coracle: { contract: '^1.1.0', ...extensions } }
    coracle.output('plugins', 'install', packPackage(writePackage(coracle.directory, { more, files })))
    for (const name of ['one', 'two']) {
      coracle.output('volume', 'create', '-d', 'mine', name)
      coracle.output('network', 'create', '-d', 'mine', name)
    }
    coracle.output('network', 'create', 'zoo')
    coracle.output('volume', 'create', 'zoo')
    const kept = coracle.run(['volume', 'prune', '--all', '--force'])
    assert.deepEqual([kept.status, kept.stdout], [0, 'Deleted Volumes:\nzoo\n\nTotal reclaimed space: 0B\n'])
    assert.match(kept.stderr, /^WARNING: one is kept: the volume driver mine of coracle-plugin-test: out of order$/m)
    assert.match(coracle.run(['volume', 'rm', 'one']).stderr, /out of order/)
    assert.equal(coracle.output('volume', 'rm', '--force', 'one'), 'one')
    assert.equal(coracle.output('network', 'rm', '--force', 'one'), 'one')
    coracle.output('plugins', 'uninstall', 'coracle-plugin-test')
    const pruned = coracle.run(['system', 'prune', '--force'])
    assert.equal(pruned.status, 0)
    assert.match(pruned.stdout, /^Deleted Networks:\nzoo$/m)
    assert.match(
      pruned.stderr,
      /^WARNING: two is kept: the network driver mine: no plugin that brings it is installed$/m,
    )
    assert.equal(coracle.output('volume', 'rm', '--force', 'two'), 'two')
    assert.equal(coracle.output('network', 'rm', '--force', 'two'), 'two')
    assert.equal(coracle.output('volume', 'ls', '-q'), '')
    assert.equal(coracle.output('network', 'ls', '-q', '--filter', 'type=custom'), '')
    const since = [
      'events',
      '--since',
      '1h',
      '--until',
      '0s',
      '--filter',
      'event=remove_failed',
      '--format',
      '{{.Type}}',
    ]
    assert.deepEqual(
      coracle
        .output(...since)
        .split('\n')
        .sort(),
      ['network', 'network', 'volume', 'volume'],
    )
  })

  it('take logs, in order and to the end, which coracle logs shows as well', async () => {
    assert.match(
      coracle.run(['run', '--rm', '--log-driver', 'mine', IMAGE, 'true']).stderr,
      /^coracle: logger: no log driver named 'mine' is registered\n/,
    )
    install('logDrivers', LOGS)
    const refused = coracle.run(['run', '--rm', '--network', 'none', '--log-driver', 'mine', IMAGE, 'true'])
    assert.match(
      refused.stderr,
      /^coracle: the log driver mine: the log driver mine of coracle-plugin-test: which file\?/,
    )
    const file = join(coracle.directory, 'taken')
    const words = ['--name', 'web', '--network', 'none', '--log-driver', 'mine', '--log-opt', `file=${file}`] as const
    const taken = () => (existsSync(file) ? readFileSync(file, 'utf8') : '')
    coracle.output(
      'run',
      '-d',
      ...words,
      IMAGE,
      'sh',
      '-c',
      'for i in $(seq 500); do echo line $i; done; echo odd >&2; sleep 1000',
    )
    await eventually('everything is told', () => taken().includes('stderr bigint odd'))
    assert.equal(taken().match(/^web stdout bigint line \d+$/gm)?.length, 500)
    assert.equal(coracle.run(['logs', '-n', '1', 'web']).stderr, 'odd\n')
    coracle.output('kill', 'web')
    await eventually('the driver is closed', () => taken().endsWith('closed\n'))
    coracle.output('start', 'web')
    await eventually('the next run is told', () => taken().split('stderr bigint odd').length === 3)
    coracle.output('rm', '-f', 'web')
    await eventually('it is closed again', () => taken().split('closed\n').length === 3)
    assert.equal(taken().match(/^web stdout bigint line \d+$/gm)?.length, 1000)
    coracle.output('run', '--rm', ...words.slice(2), IMAGE, 'echo', 'short')
    await eventually('even of one that is gone', () => /stdout bigint short\nclosed\n$/.test(taken()))
    assert.deepEqual(coracle.leftovers(), [])
  })

  it('keep credentials, as docker-credential-mine would', () => {
    install('credentialHelpers', CREDENTIALS)
    mkdirSync(join(coracle.directory, 'docker'), { recursive: true })
    writeFileSync(join(coracle.directory, 'docker/config.json'), JSON.stringify({ credsStore: 'mine' }))
    const env = { HOME: coracle.directory }
    coracle.run(['logout', '127.0.0.1:9'], { env })
    assert.match(readFileSync(join(coracle.directory, 'helped'), 'utf8'), /^erase 127\.0\.0\.1:9\n/)
    assert(readdirSync(join(coracle.directory, 'docker')).includes('config.json'))
  })
})

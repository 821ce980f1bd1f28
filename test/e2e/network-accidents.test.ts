import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'mocha'
import { type Database, openDatabase } from '../../src/state/database.ts'
import { acquireLock } from '../../src/state/lock.ts'
import { readProcessIdentity } from '../../src/util/process-identity.ts'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { processesOf } from '../support/processes.ts'
import { until } from '../support/until.ts'

describe('networks through accidents', function () {
  this.timeout(60_000)
  let coracle: Coracle
  let database: Database

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
    database = openDatabase(join(coracle.directory, 'root/state.db'))
  })
  afterEach(() => coracle.clear())
  after(() => {
    database?.close()
    coracle?.close()
  })

  const output = (...args: string[]) => coracle.output(...args)
  const networksOf = (name: string) =>
    output('inspect', '--format', '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}', name).trim()
  const endpoints = () => database.prepare('SELECT network, container FROM endpoints').all()

  it('a connect that is killed in the middle can be taken back, and made again', async () => {
    const network = output('network', 'create', 'joined')
    output('run', '-d', '--name', 'one', '--network', 'none', IMAGE, 'sleep', '300')
    {
      // Whoever makes the rules of a network waits for it.
      using _lock = await acquireLock(database, `network:${network}`)
      const child = coracle.start(['network', 'connect', 'joined', 'one'])
      await until('the address is leased', () => endpoints().length === 1)
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    output('network', 'disconnect', 'joined', 'one')
    assert.deepEqual(endpoints(), [])
    assert.equal(networksOf('one'), 'none')
    output('network', 'connect', 'joined', 'one')
    assert.equal(networksOf('one'), 'joined')
    assert.match(output('exec', 'one', 'ip', '-o', 'address'), /eth0/)
  })

  it('a connect that is killed in the middle leaves no lease behind the end of its container', async () => {
    const network = output('network', 'create', 'joined')
    output('run', '-d', '--name', 'one', '--network', 'none', IMAGE, 'sleep', '300')
    {
      using _lock = await acquireLock(database, `network:${network}`)
      const child = coracle.start(['network', 'connect', 'joined', 'one'])
      await until('the address is leased', () => endpoints().length === 1)
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    output('rm', '-f', 'one')
    assert.deepEqual(endpoints(), [])
  })

  it('a stopped container whose network was removed can leave it, and starts on another one', () => {
    output('network', 'create', 'gone')
    output('network', 'create', 'there')
    output('create', '--name', 'one', '--network', 'gone', IMAGE, 'sleep', '300')
    output('network', 'rm', 'gone')
    const refused = coracle.run(['start', 'one'])
    assert.match(refused.stderr, /network gone not found/)
    output('network', 'disconnect', 'gone', 'one')
    output('network', 'connect', 'there', 'one')
    output('start', 'one')
    assert.equal(networksOf('one'), 'there')
  })

  it('a link to a container that does not run is refused by the names of both', () => {
    output('create', '--name', 'one', IMAGE, 'true')
    output('create', '--name', 'two', '--link', 'one:db', IMAGE, 'true')
    assert.match(coracle.run(['start', 'two']).stderr, /a non running container: \/one AS \/two\/db$/m)
    assert.doesNotMatch(coracle.run(['run', '--link', 'one:db', IMAGE, 'true']).stderr, /AS \/\/db/)
  })

  it('a connect to a container that is just ending says so, and leaves nothing', async () => {
    output('network', 'create', 'joined')
    output('run', '-d', '--name', 'one', '--network', 'none', IMAGE, 'sleep', '300')
    const { pid, supervisor } = processesOf(coracle, 'one')
    process.kill(supervisor, 'SIGSTOP') // nobody records the end
    try {
      process.kill(pid, 'SIGKILL')
      await until('it has ended', () => readProcessIdentity(pid) === undefined)
      const refused = coracle.run(['network', 'connect', 'joined', 'one'])
      assert.match(refused.stderr, /is not running/)
      assert.equal(refused.status, 1)
      assert.deepEqual(endpoints(), [])
    } finally {
      process.kill(supervisor, 'SIGCONT')
    }
  })
})

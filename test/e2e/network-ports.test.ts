import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, afterEach, before, describe, it } from 'mocha'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

describe('published ports of a container whose networks change', function () {
  this.timeout(60_000)
  let coracle: Coracle

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  afterEach(() => coracle.clear())
  after(() => coracle?.close())

  const output = (...args: string[]) => coracle.output(...args)
  const answers = () => {
    const fetched = spawnSync('curl', ['-s', '--max-time', '2', 'http://127.0.0.1:28431/passwd'], { encoding: 'utf8' })
    return /root/.test(fetched.stdout)
  }

  it('lead to it again when it comes back to a network that publishes, after it was on none', async () => {
    for (const name of ['first', 'second']) output('network', 'create', name)
    output('network', 'create', '--internal', 'inner')
    output('run', '-d', '--name', 'web', '--network', 'first', '-p', '28431:80', IMAGE, 'httpd', '-f', '-h', '/etc')
    await until('the server answers', answers)

    output('network', 'disconnect', 'first', 'web')
    assert.equal(output('port', 'web'), '')
    output('network', 'connect', 'inner', 'web')
    assert.equal(output('port', 'web'), '')
    const other = coracle.run(['run', '--rm', '-p', '28431:80', IMAGE, 'true'])
    assert.match(other.stderr, /0\.0\.0\.0:28431 failed: port is already allocated/)
    output('network', 'connect', 'second', 'web')

    assert.equal(output('port', 'web'), '80/tcp -> 0.0.0.0:28431')
    await until('the server answers by the second network', answers)
    output('network', 'connect', 'first', 'web')
    output('network', 'disconnect', 'second', 'web')
    assert.equal(output('port', 'web'), '80/tcp -> 0.0.0.0:28431')
    await until('the server answers by the first network', answers)
  })
})

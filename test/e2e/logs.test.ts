import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { after, afterEach, before, describe, it } from 'mocha'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

describe('coracle logs', () => {
  let coracle: Coracle

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  afterEach(() => {
    const ids = coracle.output('ps', '-aq').split('\n').filter(Boolean)
    if (ids.length > 0) coracle.output('rm', '-f', ...ids)
  })
  after(() => coracle?.close())

  /** Runs a script to its end. */
  const ran = (name: string, script: string, ...flags: string[]) => {
    coracle.run(['run', '--name', name, ...flags, IMAGE, 'sh', '-c', script])
    return name
  }
  const detached = (name: string, script: string, ...flags: string[]) =>
    coracle.output('run', '-d', '--name', name, ...flags, IMAGE, 'sh', '-c', script)

  it('shows what was written, each stream where it belongs', () => {
    const name = ran('both', 'echo out; echo err >&2; printf "no end"')
    assert.deepEqual(coracle.run(['logs', name]), { status: 0, stdout: 'out\nno end', stderr: 'err\n' })
  })

  it('shows the last lines, those of a time, and times', () => {
    const name = ran('timed', 'for n in 1 2 3; do echo $n; done')
    assert.equal(coracle.output('logs', '--tail', '2', name), '2\n3')
    assert.equal(coracle.output('logs', '-n', 'all', name), '1\n2\n3')
    assert.equal(coracle.output('logs', '--since', '1h', name), '1\n2\n3')
    assert.equal(coracle.output('logs', '--until', '1h', name), '')
    assert.match(coracle.output('logs', '-t', '--tail', '1', name), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z 3$/)
    assert.match(coracle.run(['logs', '--tail', 'some', name]).stderr, /invalid tail value: some/)
  })

  it('is empty for a container that never ran, and says so when there is none', () => {
    coracle.output('create', '--name', 'fresh', IMAGE, 'true')
    assert.deepEqual(coracle.run(['logs', 'fresh']), { status: 0, stdout: '', stderr: '' })
    assert.equal(coracle.run(['logs', '-f', 'fresh']).status, 0)
    assert.match(coracle.run(['logs', 'missing']).stderr, /No such container: missing/)
  })

  it('keeps the logs of all runs', () => {
    const name = ran('again', 'echo run')
    coracle.run(['start', '-a', name])
    assert.equal(coracle.output('logs', name), 'run\nrun')
  })

  it('follows to the end of the container', async () => {
    detached('going', 'for n in 1 2 3 4 5; do echo $n; sleep 0.1; done; exit 3')
    const logs = coracle.start(['logs', '-f', 'going'])
    assert(logs.stdout)
    const said = text(logs.stdout)
    const [status] = (await once(logs, 'exit')) as [number]
    assert.equal(status, 0)
    assert.equal(await said, '1\n2\n3\n4\n5\n')
  })

  it('follows through rotation without losing or doubling a line', async () => {
    const flags = ['--log-opt', 'max-size=10k', '--log-opt', 'max-file=50']
    detached(
      'rotating',
      'n=0; while [ $n -lt 3000 ]; do n=$((n+1)); echo "line number $n"; done; sleep 0.3; echo end',
      ...flags,
    )
    const logs = coracle.start(['logs', '-f', 'rotating'])
    assert(logs.stdout)
    const lines = (await text(logs.stdout)).trimEnd().split('\n')
    assert.deepEqual(lines, [...Array.from({ length: 3000 }, (_, n) => `line number ${n + 1}`), 'end'])
  })

  it('keeps no more than it may', () => {
    const name = ran(
      'bounded',
      'n=0; while [ $n -lt 2000 ]; do n=$((n+1)); echo "line number $n"; done',
      '--log-opt',
      'max-size=10k',
      '--log-opt',
      'max-file=2',
    )
    const lines = coracle.output('logs', name).split('\n')
    assert(lines.length > 50 && lines.length < 400, `${lines.length} lines`)
    assert.equal(lines.at(-1), 'line number 2000')
  })

  it('ends when interrupted, and does not stall a container by not reading', async () => {
    detached(
      'noisy',
      'n=0; while [ $n -lt 20000 ]; do n=$((n+1)); echo "a line that is a little longer, number $n"; done',
    )
    const stuck = coracle.start(['logs', '-f', 'noisy']) // nobody reads its output
    assert.equal(coracle.output('wait', 'noisy'), '0')
    stuck.kill('SIGINT')
    stuck.stdout?.resume()
    await once(stuck, 'exit')
    assert.equal(coracle.output('logs', '--tail', '1', 'noisy'), 'a line that is a little longer, number 20000')
  })

  it('merges several containers by time, with their names in front', async () => {
    ran('one', 'echo first; sleep 0.2; echo third')
    detached('two', 'sleep 0.05; echo fourth')
    coracle.output('wait', 'two')
    assert.equal(coracle.output('logs', 'two', 'one'), 'one | first\none | third\ntwo | fourth')
    detached('three', 'sleep 0.2; echo later')
    assert.equal(coracle.output('logs', '-f', '--tail', '1', 'one', 'three'), 'one | third\nthree | later')
  })

  it('empties a log, also one that is being written and followed', async () => {
    detached('cleared', 'echo before; while [ ! -e /go ]; do sleep 0.02; done; echo after; sleep 1000')
    const logs = coracle.start(['logs', '-f', 'cleared'])
    let said = ''
    logs.stdout?.on('data', (data: Buffer) => (said += data.toString()))
    await until('the first line is followed', () => said === 'before\n')
    assert.equal(coracle.output('logs', '--clear', 'cleared'), '')
    assert.equal(coracle.output('logs', 'cleared'), '')
    coracle.output('exec', 'cleared', 'touch', '/go')
    await until(
      'the last line is followed',
      () => said === 'before\nafter\n',
      () => said,
    )
    coracle.output('kill', 'cleared')
    await once(logs, 'exit')
    assert.equal(coracle.output('logs', 'cleared'), 'after')
    coracle.output('logs', '--clear', 'cleared')
    assert.equal(coracle.output('logs', 'cleared'), '')
  })

  it('loses nothing after a line that a power failure has cut', () => {
    const name = ran('cut', 'echo run')
    const path = coracle.output('inspect', '--format', '{{.LogPath}}', name)
    appendFileSync(path, '{"log":"half a li')
    coracle.run(['start', '-a', name])
    assert.equal(coracle.output('logs', name), 'run\nrun')
  })

  it('shows labels and variables that the log options name', () => {
    const name = ran(
      'detailed',
      'echo x',
      '-l',
      'team=blue',
      '-e',
      'STAGE=test',
      '--log-opt',
      'labels=team',
      '--log-opt',
      'env=STAGE',
    )
    assert.equal(coracle.output('logs', '--details', name), 'STAGE=test,team=blue x')
  })

  it('is the same with the local driver, and nothing with none', () => {
    assert.equal(coracle.output('logs', ran('local', 'echo kept', '--log-driver', 'local')), 'kept')
    const { status, stderr } = coracle.run(['logs', ran('silent', 'echo gone', '--log-driver', 'none')])
    assert.equal(status, 1)
    assert.match(stderr, /configured logging driver does not support reading/)
  })

  it('shows what a terminal was sent', () => {
    detached('terminal', 'echo colourful', '-t')
    coracle.output('wait', 'terminal')
    assert.equal(coracle.output('logs', 'terminal'), 'colourful\r')
  })
})

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, afterEach, before, describe, it } from 'mocha'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

const FAST = ['--health-interval', '50ms', '--health-retries', '2']

describe('health checks', () => {
  let coracle: Coracle

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  afterEach(() => {
    const ids = coracle.output('ps', '-aq').split('\n').filter(Boolean)
    if (ids.length > 0) coracle.output('rm', '-f', ...ids)
    assert.deepEqual(coracle.leftovers(), [])
  })
  after(() => coracle?.close())

  const inspect = (template: string, name: string) => coracle.run(['inspect', '-f', template, name]).stdout.trimEnd()

  const untilState = (name: string, template: string, expected: string) =>
    until(
      `${name} is ${expected}`,
      () => inspect(template, name) === expected,
      () => inspect('{{json .State}}', name),
    )

  const untilHealth = (name: string, status: string) => untilState(name, '{{.State.Health.Status}}', status)

  it('follow what a command in the container says', async () => {
    coracle.output(
      'run',
      '-d',
      '--name',
      'web',
      '--health-cmd',
      'echo looked; test -e /ok',
      ...FAST,
      IMAGE,
      'sleep',
      '1000',
    )
    await untilHealth('web', 'unhealthy')
    assert.match(coracle.output('ps'), /\(unhealthy\)/)
    assert.equal(coracle.output('ps', '-q', '--filter', 'health=unhealthy').length, 12)
    assert.match(inspect('{{json .State.Health.Log}}', 'web'), /"ExitCode":1,"Output":"looked\\n"/)

    coracle.output('exec', 'web', 'touch', '/ok')
    await untilHealth('web', 'healthy')

    const told = coracle.output(
      'events',
      '--since',
      '1m',
      '--until',
      '0s',
      '--filter',
      'event=health_status',
      '--format',
      '{{.Action}}',
    )
    assert.equal(told, 'health_status: unhealthy\nhealth_status: healthy')
  })

  it('kill a test that takes too long', async () => {
    coracle.output(
      'run',
      '-d',
      '--name',
      'slow',
      '--health-cmd',
      'sleep 100',
      '--health-timeout',
      '50ms',
      ...FAST,
      IMAGE,
      'sleep',
      '1000',
    )
    await untilHealth('slow', 'unhealthy')
    assert.match(
      inspect('{{json .State.Health.Log}}', 'slow'),
      /"ExitCode":-1,"Output":"Health check exceeded timeout \(0.05s\)"/,
    )
  })

  it('wait for the start period', async () => {
    coracle.output(
      'run',
      '-d',
      '--name',
      'young',
      '--health-cmd',
      'test -e /ok',
      '--health-start-period',
      '1h',
      '--health-start-interval',
      '50ms',
      IMAGE,
      'sleep',
      '1000',
    )
    await untilState('young', '{{len .State.Health.Log}}', '5')
    assert.equal(inspect('{{.State.Health.Status}} {{.State.Health.FailingStreak}}', 'young'), 'starting 0')
    assert.match(coracle.output('ps'), /\(health: starting\)/)
    coracle.output('exec', 'young', 'touch', '/ok')
    await untilHealth('young', 'healthy')
  })

  it('start over with the container', async () => {
    coracle.output(
      'run',
      '-d',
      '--name',
      'again',
      '--health-cmd',
      'true',
      '--health-interval',
      '1h',
      IMAGE,
      'sleep',
      '1000',
    )
    assert.equal(inspect('{{.State.Health.Status}}', 'again'), 'starting')
    coracle.output('restart', '-t', '0', 'again')
    assert.equal(inspect('{{.State.Health.Status}}', 'again'), 'starting')
  })

  it('leave a container without one alone', () => {
    coracle.output('run', '-d', '--name', 'plain', '--no-healthcheck', IMAGE, 'sleep', '1000')
    assert.equal(inspect('{{with .State.Health}}checked{{else}}not checked{{end}}', 'plain'), 'not checked')
  })

  describe('--health-on-failure', () => {
    const sick = (name: string, action: string, ...flags: string[]) =>
      coracle.output(
        'run',
        '-d',
        '--name',
        name,
        '--health-cmd',
        'false',
        ...FAST,
        '--health-on-failure',
        action,
        ...flags,
        IMAGE,
        'sleep',
        '1000',
      )

    it('stops', async () => {
      sick('stops', 'stop', '--stop-timeout', '0', '--restart', 'always')
      await untilState('stops', '{{.State.Status}}', 'exited')
    })

    it('kills, which a restart policy takes for a crash', async () => {
      sick('kills', 'kill', '--restart', 'on-failure:1')
      await untilState('kills', '{{.State.Status}} {{.RestartCount}}', 'exited 1')
    })

    it('restarts', async () => {
      sick('restarts', 'restart', '--stop-timeout', '0')
      const first = inspect('{{.State.Pid}}', 'restarts')
      for (
        let attempt = 0;
        attempt < 200 && ['0', '', first].includes(inspect('{{.State.Pid}}', 'restarts'));
        attempt += 1
      )
        await sleep(25)
      assert.notEqual(inspect('{{.State.Pid}}', 'restarts'), first)
    })

    it('needs a check to act on', () => {
      const { status, stderr } = coracle.run(['run', '--health-on-failure', 'kill', IMAGE, 'true'])
      assert.equal(status, 125)
      assert.match(stderr, /the container has none/)
    })
  })

  it('leave nothing behind when the supervisor is killed in the middle of one', async () => {
    coracle.output(
      'run',
      '-d',
      '--name',
      'cut',
      '--health-cmd',
      'sleep 100',
      '--health-timeout',
      '1h',
      ...FAST,
      IMAGE,
      'sleep',
      '1000',
    )
    await untilState('cut', '{{len .ExecIDs}}', '1')
    process.kill(Number(inspect('{{.State.Pid}}', 'cut')), 'SIGKILL')
    await untilState('cut', '{{.State.Status}}', 'exited')
    await sleep(300)
  })
})

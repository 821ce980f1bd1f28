import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'mocha'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

describe('what the command line tells of the whole installation', () => {
  let coracle: Coracle

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
    coracle.output('run', '-d', '--name', 'busy', '-m', '64m', IMAGE, 'sh', '-c', 'while :; do :; done')
  })
  after(() => coracle?.close())

  it('shows what containers use', () => {
    const [heading = '', row = ''] = coracle.output('stats', '--no-stream').split('\n')
    assert.match(heading, /^CONTAINER ID +NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS$/)
    assert.match(
      row,
      /^[0-9a-f]{12} +busy +\d+\.\d\d% +[\d.]+[KM]iB \/ 64MiB +\d+\.\d\d% +[\d.]+k?B \/ [\d.]+k?B .* 1$/,
    )
    assert.notEqual(coracle.output('stats', '--no-stream', '--format', '{{.CPUPerc}}', 'busy'), '0.00%')
    assert.match(coracle.run(['stats', '--no-stream', 'missing']).stderr, /No such container: missing/)
  })

  it('goes on showing it until it is interrupted', async () => {
    const stats = coracle.start(['stats', '--format', '{{.Name}}'])
    assert(stats.stdout)
    const [first] = (await once(stats.stdout, 'data')) as [Buffer]
    assert.match(first.toString(), /busy/)
    stats.kill('SIGINT')
    await once(stats, 'exit')
  })

  it('tells what has happened', () => {
    coracle.run(['run', '--rm', '--name', 'brief', '-l', 'team=blue', IMAGE, 'sh', '-c', 'exit 3'])
    const filters = ['--since', '1m', '--until', '0s', '--filter', 'container=brief']
    const actions = coracle.output('events', ...filters, '--format', '{{.Action}}').split('\n')
    assert.deepEqual(actions, ['create', 'start', 'die', 'destroy'])
    const [die = ''] = coracle.output('events', ...filters, '--filter', 'event=die').split('\n')
    assert.match(
      die,
      / container die [0-9a-f]{64} \(execDuration=\d+, exitCode=3, image=busybox:test, name=brief, team=blue\)$/,
    )
  })

  it('tells what happens while it happens, and ends when interrupted', async () => {
    const events = coracle.start([
      'events',
      '--filter',
      'type=image',
      '--format',
      '{{.Action}} {{.Actor.Attributes.name}}',
    ])
    assert(events.stdout)
    let said = ''
    events.stdout.on('data', (data: Buffer) => (said += data.toString()))
    await until('it listens', () => {
      coracle.output('tag', IMAGE, 'early:1')
      return said.startsWith('tag early:1\n')
    })
    coracle.output('tag', IMAGE, 'other:1')
    coracle.output('rmi', 'other:1', 'early:1')
    await until('all is told', () => said.endsWith('tag other:1\nuntag other:1\nuntag early:1\n'))
    events.kill('SIGINT')
    await once(events, 'exit')
  })

  it('describes itself', () => {
    assert.match(coracle.output('info'), / Running: 1\n[\s\S]* Storage Driver: overlay2\n[\s\S]* Runtimes: linux wasi/)
    assert.equal(coracle.output('system', 'info', '--format', '{{.Containers}} {{.OSType}}'), '1 linux')
    assert.equal(coracle.output('info', '-f', '{{.DockerRootDir}}'), coracle.env['CORACLE_ROOT'])
    assert.match(coracle.output('version', '-f', '{{.Server.Version}}'), /^\d+\.\d+\.\d+/)
  })

  it('counts what takes place on the disk, and frees what nobody needs', () => {
    coracle.output('create', '--name', 'idle', IMAGE, 'true')
    coracle.run(['run', '--name', 'fat', IMAGE, 'sh', '-c', 'yes | head -c 100000 > /fat'])
    const rows = coracle
      .output('system', 'df', '--format', '{{.Type}}: {{.TotalCount}} {{.Active}} {{.Size}} {{.Reclaimable}}')
      .split('\n')
    assert.match(rows[0] ?? '', /^Images: 1 1 [\d.]+MB 0B \(0%\)$/)
    assert.equal(rows[1], 'Containers: 3 1 100kB 100kB (100%)')
    assert.match(coracle.output('system', 'df', '-v'), /"sh -c 'yes \| head -…" +0 +100kB .* fat$/m)

    const refused = coracle.run(['system', 'prune'], { input: 'n\n' })
    assert.match(refused.stderr, /WARNING! This will remove:\n {2}- all stopped containers/)
    assert.equal(coracle.output('ps', '-aq').split('\n').length, 3)

    const said = coracle.output('system', 'prune', '-f')
    assert.match(said, /^Deleted Containers:\n(?:[0-9a-f]{64}\n){2}\nTotal reclaimed space: 100kB$/)
    assert.equal(coracle.output('ps', '-aq').split('\n').length, 1)
    assert.match(coracle.output('images', '-q'), /^[0-9a-f]{12}$/)
  })

  it('prunes nothing of what is being made meanwhile', async function () {
    this.timeout(120_000)
    const tar = join(coracle.directory, 'busybox.tar')
    let making = true
    const prunes = (async () => {
      let count = 0
      for (; making; count++) {
        const prune = coracle.start(['system', 'prune', '-af'])
        const said = prune.stderr === null ? '' : text(prune.stderr)
        const [status] = (await once(prune, 'exit')) as [number]
        assert.equal(status, 0, await said)
      }
      return count
    })()
    try {
      for (let n = 0; n < 6; n++) {
        for (const args of [
          ['run', '--rm', IMAGE, 'true'],
          ['run', IMAGE, 'true'],
          ['import', tar, `new:${n}`],
        ]) {
          const child = coracle.start(args)
          const said = child.stderr === null ? '' : text(child.stderr)
          const [status] = (await once(child, 'exit')) as [number]
          assert.equal(status, 0, `${args.join(' ')}: ${await said}`)
        }
      }
    } finally {
      making = false
    }
    assert((await prunes) > 0)
    assert.match(coracle.output('system', 'check'), /all is well/)
  })

  it('takes no filter that it does not know, and then removes nothing', () => {
    coracle.run(['run', '--name', 'ended', IMAGE, 'true'])
    assert.match(coracle.run(['system', 'prune', '-f', '--filter', 'reference=x']).stderr, /invalid filter 'reference'/)
    const both = coracle.run(['system', 'prune', '-f', '--volumes', '--filter', 'until=0s'])
    assert.match(both.stderr, /The "until" filter is not supported with "--volumes"/)
    assert.match(coracle.output('ps', '-a', '--format', '{{.Names}}'), /^ended$/m)
    const asked = coracle.run(['system', 'prune', '-a', '--volumes', '--filter', 'label=x'], { input: 'n\n' }).stderr
    assert.match(asked, /- all anonymous volumes[^\n]*\n {2}- all images without at least one container/)
    assert.match(asked, /\n\n {2}Items to be pruned will be filtered with:\n {2}- label=x\n\nAre you sure/)
  })
})

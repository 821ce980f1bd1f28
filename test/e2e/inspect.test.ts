import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'

describe('what the command line tells of containers', () => {
  let coracle: Coracle

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
    coracle.output(
      'run',
      '-d',
      '--name',
      'up',
      '-l',
      'team=blue',
      '-m',
      '64m',
      '-v',
      '/tmp:/host:ro',
      IMAGE,
      'sleep',
      '1000',
    )
    coracle.output('create', '--name', 'new', '-l', 'team=red', IMAGE, 'sh', '-c', 'echo a rather long command line')
    coracle.run(['run', '--name', 'over', IMAGE, 'sh', '-c', 'echo something > /file; exit 4'])
  })
  after(() => coracle?.close())

  const names = (...flags: string[]) =>
    coracle
      .output('ps', '--format', '{{.Names}}', ...flags)
      .split('\n')
      .filter(Boolean)

  describe('ps', () => {
    it('has docker’s columns', () => {
      const [heading = '', ...rows] = coracle.output('ps', '-a').split('\n')
      assert.match(heading, /^CONTAINER ID {3}IMAGE {2,}COMMAND {2,}CREATED {2,}STATUS {2,}PORTS {2,}NAMES$/)
      assert.match(
        rows[0] ?? '',
        /^[0-9a-f]{12} {3}busybox:test {3}"sh -c 'echo somethi…" .* Exited \(4\) .* ago {2,}over$/,
      )
      assert.match(rows[1] ?? '', /"sh -c 'echo a rathe…" .* Created {2,}new$/)
      assert.match(rows[2] ?? '', / Up .* up$/)
    })

    it('shows what runs, everything, or the latest', () => {
      assert.deepEqual(names(), ['up'])
      assert.deepEqual(names('-a'), ['over', 'new', 'up'])
      assert.deepEqual(names('-n', '2'), ['over', 'new'])
      assert.deepEqual(names('-l'), ['over'])
      assert.deepEqual(names('-n', '0'), ['up'])
    })

    it('filters', () => {
      assert.deepEqual(names('--filter', 'status=exited'), ['over'])
      assert.deepEqual(names('-a', '-f', 'label=team'), ['new', 'up'])
      assert.deepEqual(names('-a', '-f', 'before=over'), ['new', 'up'])
      assert.deepEqual(names('-a', '-f', `ancestor=${IMAGE}`).length, 3)
      const { status, stderr } = coracle.run(['ps', '-f', 'colour=red'])
      assert.equal(status, 1)
      assert.match(stderr, /invalid filter 'colour'/)
    })

    it('shows whole ids and commands, ids alone, JSON, sizes and any field', () => {
      assert.match(coracle.output('ps', '-aq', '--no-trunc'), /^(?:[0-9a-f]{64}\n){2}[0-9a-f]{64}$/)
      assert.match(coracle.output('ps', '--no-trunc', '-l'), /"sh -c 'echo something > \/file; exit 4'"/)
      const row = JSON.parse(coracle.output('ps', '--format', 'json')) as Record<string, string>
      assert.equal(row['State'], 'running')
      assert.equal(row['Labels'], 'team=blue')
      assert.equal(row['Mounts'], '/tmp')
      assert.match(coracle.output('ps', '-ls'), / SIZE\n.* 10B \(virtual .*MB\)$/)
      assert.equal(coracle.output('ps', '--format', '{{.Label "team"}}'), 'blue')
      assert.match(coracle.output('ps', '--format', 'table {{.Names}}\\t{{.State}}'), /^NAMES {5}STATE\nup {8}running$/)
    })

    it('follows the format of the user’s config.json', () => {
      const directory = join(coracle.directory, 'own')
      mkdirSync(directory)
      writeFileSync(join(directory, 'config.json'), JSON.stringify({ psFormat: '{{.Names}} is {{.State}}' }))
      const { stdout } = coracle.run(['ps'], { env: { DOCKER_CONFIG: directory } })
      assert.equal(stdout, 'up is running\n')
    })
  })

  describe('inspect', () => {
    const field = (template: string, name = 'up') => coracle.output('inspect', '-f', template, name)

    it('prints one list of documents, with the keys scripts look for', () => {
      const documents = JSON.parse(coracle.output('inspect', 'up', 'over')) as Record<string, never>[]
      assert.equal(documents.length, 2)
      for (const key of [
        'Id',
        'Created',
        'Path',
        'Args',
        'State',
        'Image',
        'Name',
        'RestartCount',
        'Driver',
        'Mounts',
        'Config',
        'HostConfig',
        'NetworkSettings',
        'GraphDriver',
        'LogPath',
        'ExecIDs',
      ])
        assert(Object.hasOwn(documents[0] ?? {}, key), key)
    })

    it('answers the questions of templates', () => {
      assert.equal(field('{{.State.Running}} {{.State.Status}} {{.Name}}'), 'true running /up')
      assert.equal(field('{{.State.ExitCode}} {{.State.Running}}', 'over'), '4 false')
      assert.equal(field('{{.State.StartedAt}}', 'new'), '0001-01-01T00:00:00Z')
      assert.equal(field('{{.HostConfig.Memory}} {{json .HostConfig.Binds}}'), '67108864 ["/tmp:/host:ro"]')
      assert.equal(
        field('{{range .Mounts}}{{.Type}} {{.Source}} {{.Destination}} {{.RW}}{{end}}'),
        'bind /tmp /host false',
      )
      assert.equal(field('{{index .Config.Labels "team"}}'), 'blue')
      assert.equal(field('{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.LogConfig.Type}}'), 'no json-file')
      assert.match(field('{{.NetworkSettings.IPAddress}}'), /^(?:172|192\.168)\./)
      assert.match(field('{{.State.StartedAt}}'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/)
    })

    it('finds images too, unless a type says otherwise', () => {
      assert.match(coracle.output('inspect', '-f', '{{.Id}}', IMAGE), /^sha256:/)
      assert.match(coracle.run(['inspect', '--type', 'container', IMAGE]).stderr, /No such container: busybox:test/)
      assert.match(coracle.run(['inspect', '--type', 'image', 'up']).stderr, /No such image: up/)
    })

    it('prints what it has found, and fails for what it has not', () => {
      const { status, stdout, stderr } = coracle.run(['inspect', 'missing'])
      assert.deepEqual([status, stdout], [1, '[]\n'])
      assert.match(stderr, /No such object: missing/)
      const both = coracle.run(['inspect', '-f', '{{.Name}}', 'missing', 'up'])
      assert.deepEqual([both.status, both.stdout], [1, '/up\n'])
    })

    it('counts bytes when asked to', () => {
      const [document] = JSON.parse(coracle.output('inspect', '-s', 'over')) as { SizeRw: number; SizeRootFs: number }[]
      assert.equal(document?.SizeRw, 10)
      assert((document?.SizeRootFs ?? 0) > 100_000)
    })

    it('prints the command that would make the container again', () => {
      assert.equal(
        coracle.output('inspect', '--as-command', 'up'),
        'coracle run --name=up --detach --label=team=blue --volume=/tmp:/host:ro --network=bridge --memory=67108864 busybox:test sleep 1000',
      )
    })
  })

  it('has no ports to show', () => {
    assert.equal(coracle.output('port', 'up'), '')
    const { status, stderr } = coracle.run(['port', 'up', '80'])
    assert.equal(status, 1)
    assert.match(stderr, /no public port '80\/tcp' published for up/)
  })

  describe('inspect of whatever else there is', () => {
    it('writes null where docker writes null, and what holds where nothing was asked for', () => {
      const [document] = JSON.parse(coracle.output('container', 'inspect', 'up')) as {
        HostConfig: Record<string, unknown>
        Config: Record<string, unknown>
      }[]
      const { CapAdd, SecurityOpt, PidsLimit, IpcMode, Memory, MemorySwap, Dns } = document?.HostConfig ?? {}
      assert.deepEqual([CapAdd, SecurityOpt, PidsLimit, document?.Config['Volumes']], [null, null, null, null])
      assert.deepEqual([IpcMode, Dns, MemorySwap], ['private', [], 2 * Number(Memory)])
    })

    it('makes the same container again from its own command', () => {
      const flags = `-e "A=it's" --restart on-failure:2 --log-driver local --log-opt max-size=1m --cpus 0.5 --tmpfs /t:size=1m
      --health-cmd 'test -e /x' --health-interval 5s --cap-drop ALL --mount type=bind,src=/tmp,dst=/m,readonly --ulimit nofile=90:99`
      const shell = (line: string) => {
        const path = `${join(packageRoot, 'bin')}:${process.env['PATH']}`
        const options = { env: { ...coracle.env, PATH: path }, encoding: 'utf8' } as const
        const { status, stderr } = spawnSync('sh', ['-c', line], options)
        assert.equal(status, 0, stderr)
      }
      shell(`coracle create --name one ${flags.replace('\n', ' ')} ${IMAGE} sh -c 'echo "$A"; exit 0'`)
      const line = coracle.output('inspect', '--as-command', 'one')
      shell(line.replace('--name=one', '--name=two'))
      const documents = JSON.parse(coracle.output('inspect', 'one', 'two')) as Record<string, unknown>[]
      const [one, two] = documents.map(({ Path, Args, HostConfig, Mounts, Config }) => {
        const { Hostname: _own, ...config } = Config as Record<string, unknown>
        return { Path, Args, HostConfig, Mounts, config }
      })
      assert.deepEqual(two, one)
      assert.equal(coracle.output('inspect', '-f', '{{.State.ExitCode}}', 'two'), '0')
    })

    it('tells of containers of other backends', function () {
      const field = (template: string, name: string) => coracle.output('inspect', '-f', template, name)
      writeFileSync(join(coracle.directory, 'x.wasm'), Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]))
      coracle.output('create', '--name', 'module', './x.wasm', 'word')
      assert.equal(field('{{.HostConfig.Runtime}} {{.Platform}} {{json .Args}}', 'module'), 'wasi wasi ["word"]')
      assert.match(
        coracle.output('ps', '-l', '--format', '{{.Platform}} {{.Names}} {{.Status}}'),
        /^wasi\S* module Created$/,
      )
      assert.match(coracle.output('inspect', '--as-command', 'module'), /x\.wasm word$/)
      coracle.output('rm', 'module')
      if (spawnSync('runc', ['--version']).status !== 0) {
        console.log('skipped: runc is not installed')
        this.skip()
      }
      coracle.output('create', '--name', 'other', '--runtime', 'runc', IMAGE, 'true')
      assert.equal(field('{{.HostConfig.Runtime}} {{.Platform}}', 'other'), 'runc linux')
      assert.match(coracle.output('inspect', '--as-command', 'other'), /--runtime=runc/)
    })
  })
})

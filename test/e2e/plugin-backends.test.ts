/** Isolation backends of npm plugins, as a third party writes, packs and installs them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, before, beforeEach, describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { packPackage, writePackage } from '../support/npm-plugins.ts'

/** `node --test` in a package that finds `coracle`, as after `npm link coracle`. */
function testPackage(directory: string): void {
  const { NODE_TEST_CONTEXT: _ours, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--test'], { cwd: directory, env, encoding: 'utf8' })
  assert.equal(status, 0, stdout + stderr)
  assert.match(stdout, /^ℹ pass [1-9]/m)
}

/** Against the types that authors get. */
function checkTypes(directory: string): void {
  const modules = join(packageRoot, 'node_modules')
  const words = ['--noEmit', '--allowJs', '--checkJs', '--strict', '--skipLibCheck', '--target', 'es2024']
  const types = ['--module', 'nodenext', '--typeRoots', join(modules, '@types'), '--types', 'node']
  const program = join(modules, '.bin/tsc')
  const { status, stdout } = spawnSync(program, [...words, ...types, 'backend.js', 'backend.test.js'], {
    cwd: directory,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stdout)
}

describe('backends of npm plugins', () => {
  let coracle: Coracle
  before(function () {
    needsRoot(this)
  })
  beforeEach(() => {
    coracle = openCoracle()
  })
  afterEach(() => coracle.close())

  it('run containers: bubblewrap, from its tests to its removal', function () {
    if (!existsSync('/usr/bin/bwrap')) {
      console.log('skipped: bubblewrap is not installed')
      this.skip()
    }
    const source = join(coracle.directory, 'bubblewrap')
    cpSync(join(packageRoot, 'examples/plugins/bubblewrap'), source, { recursive: true })
    mkdirSync(join(source, 'node_modules'))
    symlinkSync(packageRoot, join(source, 'node_modules/coracle'))
    testPackage(source)
    checkTypes(source)
    assert.equal(coracle.output('plugins', 'install', packPackage(source)), 'coracle-plugin-bubblewrap@1.0.0')

    const bwrap = ['--runtime', 'bwrap', '--network', 'none'] as const
    const words = ['run', '--rm', ...bwrap, '--hostname', 'cell', '-e', 'A=b c', '-v', 'kept:/data'] as const
    const script = 'hostname; echo $A; ls -d /.oldroot 2>&1; echo x > /data/file; cat /proc/1/comm; id -u; exit 7'
    const { status, stdout } = coracle.run([...words, IMAGE, 'sh', '-c', script])
    assert.deepEqual([status, stdout], [7, 'cell\nb c\nls: /.oldroot: No such file or directory\nbwrap\n0\n'])
    assert.equal(readFileSync(join(coracle.directory, 'root/volumes/kept/_data/file'), 'utf8'), 'x\n')

    coracle.output('run', '-d', '--name', 'web', ...bwrap, '-m', '64m', IMAGE, 'sh', '-c', 'echo up; exec sleep 1000')
    assert.equal(coracle.output('inspect', '--format', '{{.HostConfig.Runtime}}', 'web'), 'bwrap')
    assert.equal(coracle.output('ps', '--format', '{{.Names}}'), 'web')
    assert.match(coracle.output('info', '--format', '{{json .Runtimes}}'), /"bwrap"/)
    assert.match(coracle.output('stats', '--no-stream', '--format', '{{.MemUsage}}', 'web'), / \/ 64MiB$/)
    coracle.output('pause', 'web')
    coracle.output('unpause', 'web')
    const refused = coracle.run(['exec', 'web', 'id'])
    assert.match(refused.stderr, /^coracle: the backend bwrap of coracle-plugin-bubblewrap: bubblewrap lets no further/)
    // The process that we know of is bubblewrap, in namespaces of the host: nobody may come to them by way of it.
    for (const flag of ['--pid', '--ipc']) {
      const joined = coracle.run(['run', '--rm', flag, 'container:web', IMAGE, 'true'])
      assert.match(joined.stderr, /cannot join \w+ namespace of web: its runtime keeps that to itself/)
    }
    assert.match(coracle.run(['debug', '--image', IMAGE, 'web', 'ps']).stderr, /shows nobody its namespaces/)
    assert.match(coracle.run(['cp', 'web:/etc/passwd', '-']).stderr, /keeps the files of a running container to itself/)
    assert.equal(coracle.run(['run', '--rm', ...bwrap, '--user', '33', IMAGE, 'id']).status, 125)
    coracle.output('stop', 'web')
    assert.equal(coracle.output('logs', 'web'), 'up')
    assert.match(coracle.output('cp', 'web:/etc/passwd', '-'), /root:x:0:0/)

    coracle.output('plugins', 'uninstall', 'coracle-plugin-bubblewrap')
    assert.match(coracle.run(['start', 'web']).stderr, /the backend bwrap: the plugin that brought it is not installed/)
    coracle.output('rm', 'web')
    assert.deepEqual(coracle.leftovers(), [])
  })

  it('are written by plugins create, with tests that pass', () => {
    coracle.output('plugins', 'create', 'cell', '--template', 'backend')
    const source = join(coracle.directory, 'cell')
    testPackage(source)
    checkTypes(source)
    coracle.output('plugins', 'link', source)
    const { status, stdout } = coracle.run([
      'run',
      '--rm',
      '--runtime',
      'cell',
      '--network',
      'none',
      IMAGE,
      'sh',
      '-c',
      'id -u; echo $$; ls /',
    ])
    assert.equal(status, 0)
    assert.match(stdout, /^0\n1\nbin\n/)
    assert.deepEqual(coracle.leftovers(), [])
  })

  it('that fail, answer nonsense or lack methods are told of in a line, and leave nothing', () => {
    const methods = ['planExec', 'stats', 'update', 'pause', 'resume', 'destroy'].map(
      (name) => `${name}: async () => {}`,
    )
    const backend = (plan: string) =>
      `export default ({ name }) => ({ name, check: () => ({ ok: true }), plan: async () => { ${plan} }, ${methods.join(', ')} })`
    const step = "{ namespaces: [], before: [], after: [], child: [{ do: 'exec', file: 7, argv: 0, env: {} }] }"
    const files = {
      'throws.js': backend("throw new Error('out of\\n\\u001b[2Jorder')"),
      'nonsense.js': backend('return 42'),
      'steps.js': backend(`return ${step}`),
      'poor.js': 'export default () => ({})',
    }
    const backends = Object.fromEntries(Object.keys(files).map((file) => [file.replace('.js', ''), `./${file}`]))
    const more = { coracle: { contract: '^1.0.0', backends } }
    coracle.output('plugins', 'install', packPackage(writePackage(coracle.directory, { more, files })))
    const failure = (runtime: string) => {
      const { status, stderr } = coracle.run(['run', '--rm', '--runtime', runtime, '--network', 'none', IMAGE, 'true'])
      assert.notEqual(status, 0)
      return stderr
    }
    assert.equal(failure('throws'), 'coracle: the backend throws of coracle-plugin-test: out of \\u001b[2Jorder\n')
    assert.match(
      failure('nonsense'),
      /^coracle: the backend nonsense of coracle-plugin-test: its plan is not made of steps\n$/,
    )
    assert.match(failure('steps'), /^coracle: the backend steps: there are steps in its plan that make no sense\n$/)
    assert.match(failure('poor'), /^coracle: the backend poor of coracle-plugin-test: it has no method check\n$/)
    assert.deepEqual(coracle.leftovers(), [])
  })
})

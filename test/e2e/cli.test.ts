import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { TOPICS } from '../../src/ui/topics.ts'
import { type Cli, openCli } from '../support/cli.ts'
import { scratchDirectory } from '../support/scratch.ts'

let cli: Cli
const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }

interface Manifest {
  readonly commands: Readonly<
    Record<string, { summary?: string; hidden?: boolean; examples?: readonly string[]; aliases: readonly string[] }>
  >
}
const manifest = JSON.parse(readFileSync(join(packageRoot, 'oclif.manifest.json'), 'utf8')) as Manifest

describe('the command line', function () {
  this.timeout(120_000)
  beforeEach(async () => {
    cli = await openCli()
  })

  describe('surface', () => {
    it('is what the committed manifest says: commands, flags, arguments', () => {
      const { status, stderr } = spawnSync(process.execPath, ['scripts/manifest.ts', '--check'], {
        cwd: packageRoot,
        encoding: 'utf8',
      })
      assert.equal(status, 0, stderr)
    })

    it('has a summary and examples for every command that is shown', () => {
      const lacking = Object.entries(manifest.commands)
        .filter(([, { hidden, summary, examples }]) => hidden !== true && (!summary || !examples?.length))
        .map(([id]) => id)
      assert.deepEqual(lacking, [])
    })

    it('gives help for every command by every name it has', () => {
      const names = Object.entries(manifest.commands).flatMap(([id, { aliases }]) => [id, ...aliases])
      for (const name of names) {
        const words = name.split(':')
        const { status, stdout, stderr } = cli.run([...words, '--help'])
        assert.equal(status, 0, stderr)
        assert(stdout.startsWith(`Usage:  coracle ${words.join(' ')}`), stdout)
      }
    })

    it('knows what every group of commands is for', () => {
      const names = Object.entries(manifest.commands).flatMap(([id, { aliases }]) => [id, ...aliases])
      const groups = new Set(names.filter((name) => name.includes(':')).map((name) => name.split(':')[0] ?? ''))
      groups.delete('internal')
      assert.deepEqual(
        [...groups].filter((group) => !Object.hasOwn(TOPICS, group)),
        [],
      )
    })

    it('lists commands for --help, help and nothing at all, and those of a topic', () => {
      const help = cli.output('--help')
      assert.equal(cli.output('help'), help)
      assert.equal(cli.output(), help)
      assert.match(help, /^Usage: {2}coracle \[OPTIONS\] COMMAND\n/)
      for (const id of ['run', 'pull', 'images']) assert.match(help, new RegExp(`^ {2}${id} `, 'm'))
      assert.match(cli.output('image'), /Usage: {2}coracle image COMMAND\n.*\n {2}ls +List images/s)
      assert.equal(cli.output('help', 'image'), cli.output('image', '--help'))
      assert.equal(cli.output('help', 'image', 'ls'), cli.output('image', 'ls', '--help'))
    })
  })

  describe('refuses', () => {
    it('words that only JavaScript knows', () => {
      for (const word of ['constructor', 'toString', '__proto__']) {
        assert.match(cli.run([word]).stderr, new RegExp(`^coracle: '${word}' is not a coracle command`))
        assert.match(cli.run(['help', word]).stderr, new RegExp(`^coracle: '${word}' is not a coracle command`))
      }
    })

    it('an unknown command, and says which one may be meant', () => {
      const { status, stderr } = cli.run(['imagse'])
      assert.equal(status, 1)
      assert.equal(
        stderr,
        "coracle: 'imagse' is not a coracle command.\nDid you mean 'images'? See 'coracle --help'.\n",
      )
      assert.match(cli.run(['image', 'lss']).stderr, /'image lss' is not a coracle command/)
    })

    it('an unknown flag with status 125 and the usage, as docker', () => {
      const { status, stderr } = cli.run(['images', '--foo'])
      assert.equal(status, 125)
      assert.equal(
        stderr,
        "unknown flag: --foo\n\nUsage:  coracle images [OPTIONS] [REPOSITORY[:TAG]]\n\nRun 'coracle images --help' for more information\n",
      )
      assert.equal(cli.run(['--foo']).status, 125)
    })

    it('a wrong number of arguments with status 1', () => {
      const { status, stderr } = cli.run(['image', 'tag', 'a'])
      assert.equal(status, 1)
      assert.match(stderr, /^coracle: 'image tag' requires 2 arguments\n\nUsage: {2}coracle image tag SOURCE_IMAGE/)
    })
  })

  it('shows errors in one line, and where they come from only when asked to', () => {
    const missing = ['image', 'inspect', 'no/such']
    assert.equal(cli.run(missing).stderr, 'coracle: No such image: no/such\nsee what there is with `coracle images`\n')
    assert.match(cli.run(['--debug', ...missing]).stderr, /\n {4}at /)
    assert.match(cli.run(missing, { env: { CORACLE_DEBUG: '1' } }).stderr, /\n {4}at /)
  })

  it('tells its version', () => {
    assert.equal(cli.output('--version'), `Coracle version ${version}`)
    assert.equal(cli.output('-v'), `Coracle version ${version}`)
    assert.equal(cli.output('version', '--format', '{{.Client.Version}} {{.Server.Os}}'), `${version} linux`)
    assert.match(cli.output('version'), new RegExp(`^Client: Coracle\n Version: +${version}\n`))
  })

  it('lets code of others do what it keeps for the end', () => {
    const code = `setImmediate(() => process.once('beforeExit', () => setTimeout(() => console.error('late'))))`
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${code.replaceAll(' ', '%20')}` }
    assert.match(cli.run(['--version'], { env }).stderr, /late/)
  })

  it('does not mind readers that go away', () => {
    const { status, stderr } = spawnSync(
      'sh',
      ['-c', `"$1" --help | true; "$1" nope 2>&1 | true`, '-', join(packageRoot, 'bin/coracle')],
      {
        env: cli.env,
        encoding: 'utf8',
      },
    )
    assert.equal(status, 0)
    assert.equal(stderr, '')
  })

  it('works with a data root that cannot be made', () => {
    const root = join(cli.directory, 'file')
    writeFileSync(root, '')
    assert.equal(cli.run(['--version'], { env: { CORACLE_ROOT: root } }).status, 0)
  })

  it('makes nothing anew when a supervisor calls back after all has been removed', async () => {
    const root = join(await scratchDirectory(), 'gone')
    const env = { ...process.env, CORACLE_ROOT: root, CORACLE_RUN: join(root, 'run') }
    for (const words of [['exited'], ['restart'], ['probe'], ['exec-ended', 'b'.repeat(64)]]) {
      const [name = '', ...rest] = words
      const { status } = spawnSync(join(packageRoot, 'bin/coracle'), ['internal', name, 'a'.repeat(64), ...rest], {
        env,
      })
      assert.equal(status, 0)
      assert.equal(existsSync(root), false)
    }
  })

  it('takes no compiled code from a directory that others may write to', () => {
    const cache = join(cli.directory, 'root/cache')
    mkdirSync(cache, { recursive: true })
    chmodSync(cache, 0o777)
    cli.output('version')
    assert.deepEqual(spawnSync('ls', [cache], { encoding: 'utf8' }).stdout, '')
    chmodSync(cache, 0o700)
    cli.output('version')
    assert.notEqual(spawnSync('ls', [cache], { encoding: 'utf8' }).stdout, '')
  })

  describe('the entry', () => {
    it('finds itself through symbolic links, absolute and relative', () => {
      const bin = join(cli.directory, 'bin')
      mkdirSync(bin)
      symlinkSync(join(packageRoot, 'bin/coracle'), join(bin, 'absolute'))
      symlinkSync('absolute', join(bin, 'relative'))
      const { stdout } = spawnSync(join(bin, 'relative'), ['-v'], { env: cli.env, encoding: 'utf8' })
      assert.equal(stdout, `Coracle version ${version}\n`)
    })

    it('says what to do when no Node is new enough', () => {
      const elsewhere = join(cli.directory, 'package')
      mkdirSync(join(elsewhere, 'bin'), { recursive: true })
      const copy = join(elsewhere, 'bin/coracle')
      writeFileSync(copy, readFileSync(join(packageRoot, 'bin/coracle')), { mode: 0o755 })
      writeFileSync(join(cli.directory, 'node'), '#!/bin/sh\necho v20.1.0\n', { mode: 0o755 })
      const PATH = `${cli.directory}:/usr/bin:/bin`
      const { status, stderr } = spawnSync(copy, ['version'], { env: { ...cli.env, PATH }, encoding: 'utf8' })
      assert.equal(status, 1)
      assert.match(stderr, /^coracle: Node\.js 24 or newer is needed, found: v20\.1\.0\n/)
      assert(existsSync(copy))
    })

    it('takes the Node that CORACLE_NODE names', () => {
      assert.equal(cli.run(['-v'], { env: { CORACLE_NODE: process.execPath } }).status, 0)
      assert.equal(cli.run(['-v'], { env: { CORACLE_NODE: '/bin/false' } }).status, 1)
    })
  })
})

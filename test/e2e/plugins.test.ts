/** Commands of single files, from `plugins add` to `plugins uninstall`, as a user types them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { beforeEach, describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { CLI, type Cli, openCli } from '../support/cli.ts'
import { addPlugin, pluginSource, writePlugin } from '../support/plugins.ts'
import { file, tarOf } from '../support/tar.ts'

const HELLO = `import { defineCommand } from 'coracle/plugin'
interface Greeting { readonly text: string }
export default defineCommand({
  contract: '^1.0.0',
  summary: 'Say hello',
  args: { who: { description: 'Whom to greet' } },
  flags: { loud: { type: 'boolean', char: 'l', description: 'Shout' }, times: { type: 'option', default: '1' } },
  run({ args, flags, print }) {
    const greeting: Greeting = { text: \`hello \${String(args.who ?? 'world')}\` }
    for (let time = 0; time < Number(flags.times); time++) print(flags.loud ? greeting.text.toUpperCase() : greeting.text)
    return 7
  },
})
`

describe('coracle plugins', () => {
  let cli: Cli
  beforeEach(async () => {
    cli = await openCli()
  })

  it('makes a command of a .ts file: words, help, exit status', () => {
    assert.equal(cli.output('plugins', 'add', writePlugin(cli, 'hello.ts', HELLO)), 'hello')
    assert.deepEqual(cli.run(['hello']), { status: 7, stdout: 'hello world\n', stderr: '' })
    assert.equal(cli.run(['hello', '-l', 'bob', '--times=2']).stdout, 'HELLO BOB\nHELLO BOB\n')
    assert.match(cli.output('hello', '--help'), /^Usage: {2}coracle hello \[OPTIONS\] \[WHO\]\n\nSay hello\n/)
    assert.equal(cli.output('help', 'hello'), cli.output('hello', '--help'))
    assert.match(cli.output('help'), /^ {2}hello +Say hello$/m)
    const wrong = cli.run(['hello', '--quiet'])
    assert.equal(wrong.status, 125)
    assert.match(wrong.stderr, /^unknown flag: --quiet\n\nUsage: {2}coracle hello /)
  })

  it('makes one of a .js file and knows it among mistyped words', () => {
    addPlugin(cli, 'hello.js', pluginSource('context.print(context.name)'))
    assert.equal(cli.output('hello'), 'hello')
    assert.match(cli.run(['hallo']).stderr, /Did you mean 'hello'/)
  })

  it('gives a command the terminal', () => {
    const body = `context.print([process.stdin.isTTY, process.stdout.isTTY].join())
      process.stdout.write('name? ')
      process.stdin.once('data', (data) => { context.print('hello ' + String(data).trim()); process.stdin.pause() })`
    addPlugin(cli, 'ask.js', pluginSource(body))
    const { status, stdout } = cli.atTerminal(['ask'], { input: 'bob\n' })
    assert.equal(status, 0, stdout)
    assert.match(stdout, /^true,true\nname\? bob\nhello bob\n$/)
  })

  it('lets a command use the network and programs that it was granted', async () => {
    const server = createServer((socket) => socket.end('from the net')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const body = `const net = await import('node:net')
      const { text } = await import('node:stream/consumers')
      context.print(await text(net.connect(${port}, '127.0.0.1')))`
    addPlugin(cli, 'net.js', pluginSource(body, { permissions: ['net'] }))
    assert.equal(await cli.served.output('net'), 'from the net')
    server.close()
    const run =
      "const { execFileSync } = await import('node:child_process'); context.print(String(execFileSync('/bin/echo', ['ran'])).trim())"
    addPlugin(cli, 'echo.js', pluginSource(run, { permissions: ['run'] }))
    assert.equal(cli.output('echo'), 'ran')
  })

  it('lets a command at the engine when that is granted', () => {
    const body =
      'context.print((await context.engine.images.list()).length + " " + (await context.engine.containers.list({ all: true })).length)'
    addPlugin(cli, 'count.js', pluginSource(body, { permissions: ['engine:read'] }))
    assert.equal(cli.output('count'), '0 0')
    cli.output('plugins', 'revoke', 'count', 'engine')
    const refused = cli.run(['count'])
    assert.deepEqual([refused.status, refused.stdout], [1, ''])
    assert.match(refused.stderr, /count: it was not granted engine:read/)
  })

  it('tells a command what the engine failed with', () => {
    const body = 'try { await context.engine.images.inspect("gone") } catch (error) { context.print(error.code) }'
    addPlugin(cli, 'look.js', pluginSource(body, { permissions: ['engine:read'] }))
    assert.equal(cli.output('look'), 'IMAGE_NOT_FOUND')
  })

  it('stores nothing without consent, and says what would allow it', () => {
    const file = writePlugin(cli, 'want.js', pluginSource('', { permissions: ['net', 'read=/data'] }))
    const refused = cli.run(['plugins', 'add', '--allow-net', file])
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /want asks for read=\/data\n.*allow it with --grant read=\/data, or/)
    assert.equal(cli.output('plugins', '-q'), '')
    cli.output('plugins', 'add', '--allow-net', '--deny-rest', file)
    assert.equal(cli.output('plugins', 'inspect', '--format', '{{json .Granted}}', 'want'), '["net"]')
    cli.output('plugins', 'uninstall', 'want')
    cli.output('plugins', 'add', '--grant', 'net', '--grant=read=/data', file)
    writeFileSync(file, pluginSource('', { permissions: ['net', 'read=/data', 'read=/'] }))
    const wider = cli.run(['plugins', 'update', '--grant', 'net', '--grant=read=/data', 'want'])
    assert.match(wider.stderr, /want asks for read=\/\n/)
  })

  it('asks for each permission at a terminal', () => {
    const file = writePlugin(cli, 'want.js', pluginSource('', { permissions: ['net', 'read=/data'] }))
    const { status, stdout } = cli.atTerminal(['plugins', 'add', file], { input: 'n\ny\n' })
    assert.equal(status, 0, stdout)
    assert.match(stdout, /Allow want to use the network, as client and server\? \[y\/N\]/)
    assert.equal(cli.output('plugins', 'inspect', '--format', '{{json .Granted}}', 'want'), '["read=/data"]')
  })

  it('asks again for a file that has changed, and for none that has not', () => {
    const file = writePlugin(cli, 'grow.js', pluginSource('context.print("old")', { permissions: ['net'] }))
    cli.output('plugins', 'add', '-A', file)
    assert.equal(cli.output('plugins', 'update', 'grow'), 'grow has not changed')
    writeFileSync(file, pluginSource('context.print("new")', { permissions: ['net', 'run'] }))
    const refused = cli.run(['plugins', 'update', 'grow'])
    assert.match(refused.stderr, /grow asks for net, run/)
    assert.equal(cli.output('grow'), 'old')
    const asked = cli.atTerminal(['plugins', 'update', 'grow'], { input: 'y\nn\n' })
    assert.match(asked.stdout, /server\? \(as before\) \[y\/N\] [\s\S]*whatever you can\? \(NEW\) \[y\/N\]/)
    assert.equal(cli.output('grow'), 'new')
    assert.equal(cli.output('plugins', 'inspect', '--format', '{{json .Granted}}', 'grow'), '["net"]')
  })

  it('refuses a range of the contract that does not fit, and says who must upgrade', () => {
    const add = (contract: string) =>
      cli.run(['plugins', 'add', writePlugin(cli, 'far.js', pluginSource('', { contract }))]).stderr
    assert.match(add('^2.0.0'), /far was written for version \^2.0.0 .* has 1\.1\.0\nCoracle must be upgraded/)
    assert.match(add('^0.9.0'), /\nfar must be upgraded/)
    assert.match(add('newest'), /no range of versions/)
  })

  it('refuses names of its own commands, topics and other names', () => {
    for (const name of ['ps', 'image', 'help', 'internal', 'volume', 'build']) {
      const refused = cli.run(['plugins', 'add', '-A', writePlugin(cli, `${name}.js`, pluginSource(''))])
      assert.match(refused.stderr, new RegExp(`'${name}' is a command of Coracle itself`), refused.stderr)
    }
    const file = writePlugin(cli, 'ps.js', pluginSource('context.print("mine")'))
    assert.equal(cli.output('plugins', 'add', '--name', 'my-ps', file), 'my-ps')
    assert.equal(cli.output('my-ps'), 'mine')
  })

  it('refuses a second one of the same name', () => {
    addPlugin(cli, 'one.js', pluginSource('context.print(1)'))
    const file = writePlugin(cli, 'one.ts', pluginSource('context.print(2)'))
    assert.match(cli.run(['plugins', 'add', '-A', file]).stderr, /there is a plugin one already/)
    assert.equal(cli.output('one'), '1')
  })

  it('reports a broken one and goes on with the others', () => {
    addPlugin(cli, 'good.js', pluginSource('context.print("good")'))
    addPlugin(cli, 'bad.js', pluginSource(''))
    writeFileSync(join(cli.directory, 'root/plugins/bad/plugin.json'), '{')
    for (const words of [['plugins'], ['help']]) {
      const { status, stdout, stderr } = cli.run(words)
      assert.equal(status, 0)
      assert.match(stdout, /good/)
      assert.match(stderr, /WARNING: the plugin bad is broken/)
    }
    assert.equal(cli.output('good'), 'good')
    assert.match(cli.run(['bad']).stderr, /the plugin bad is broken/)
    assert.equal(cli.output('plugins', 'uninstall', 'bad'), 'bad')
  })

  it('clears away what a command left that was killed half-way, but not what another one is making', () => {
    addPlugin(cli, 'one.js', pluginSource(''))
    const directory = join(cli.directory, 'root/plugins')
    for (const name of ['.new-0011', '.old-0022', '.new-0033']) mkdirSync(join(directory, name))
    const hoursAgo = new Date(Date.now() - 7_200_000)
    for (const name of ['.new-0011', '.old-0022']) utimesSync(join(directory, name), hoursAgo, hoursAgo)
    addPlugin(cli, 'two.js', pluginSource(''))
    assert.deepEqual(readdirSync(directory).sort(), ['.new-0033', 'one', 'two'])
  })

  it('leaves nothing behind when it uninstalls', () => {
    addPlugin(cli, 'gone.js', pluginSource(''))
    rmSync(join(cli.directory, 'gone.js'))
    cli.output('plugins', 'uninstall', 'gone')
    assert.deepEqual(readdirSync(join(cli.directory, 'root/plugins')), [])
    assert.match(cli.run(['gone']).stderr, /'gone' is not a coracle command/)
    assert.match(cli.run(['plugins', 'uninstall', 'gone']).stderr, /no such plugin: gone/)
  })

  it('writes a command that passes its own test and can be installed', () => {
    const inside = (program: string, words: string[], cwd = cli.directory) =>
      spawnSync(program, words, { cwd, env: cli.env, encoding: 'utf8' })
    assert.equal(inside(CLI, ['plugins', 'create', 'count']).status, 0)
    const directory = join(cli.directory, 'count')
    const tested = inside(process.execPath, ['--test'], directory)
    assert.equal(tested.status, 0, tested.stdout + tested.stderr)
    cli.output('plugins', 'add', '-A', join(directory, 'count.ts'))
    assert.equal(cli.output('count', '-q'), '0')
    assert.match(inside(CLI, ['plugins', 'create', 'count']).stderr, /is there already/)
  })

  it('runs the example that explores layers, which passes its own tests', async () => {
    const example = join(packageRoot, 'examples/plugins/layers')
    const { status, stdout } = spawnSync(process.execPath, ['--test'], { cwd: example, encoding: 'utf8' })
    assert.equal(status, 0, stdout)
    const tar = writePlugin(cli, 'shared.tar', tarOf([file('shared', 'x')]))
    for (const name of ['one', 'two']) cli.output('import', '--change', `ENV NAME=${name}`, tar, `${name}:1`)
    cli.output('plugins', 'add', '--allow-engine', join(example, 'layers.ts'))
    assert.match(cli.output('layers', 'one:1'), /^0 {2}[0-9a-f]{12} {2}two:1$/)
    assert.match(cli.output('layers', '-q', 'two:1'), /^sha256:[0-9a-f]{64}$/)
    assert.match(cli.run(['layers', 'gone:1']).stderr, /layers: No such image: gone:1/i)
  })

  it('takes the script of the guide', () => {
    const guide = readFileSync(join(packageRoot, 'docs/plugins.md'), 'utf8')
    const [script] = [...guide.matchAll(/```ts\n(import \{ defineCommand \}.*?)```/gs)].map(([, text = '']) => text)
    cli.output('plugins', 'add', '--allow-engine', writePlugin(cli, 'guide.ts', script ?? ''))
    cli.output('import', writePlugin(cli, 'one.tar', tarOf([file('x', 'x')])), 'one:1')
    assert.match(cli.output('guide', 'one:1'), /^0 {2}sha256:[0-9a-f]{64}$/)
    assert.match(cli.output('guide', '-q', 'one:1'), /^sha256:[0-9a-f]{64}$/)
  })
})

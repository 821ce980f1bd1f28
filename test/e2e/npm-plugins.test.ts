/** Plugins that npm installs, from `plugins install` to `plugins uninstall`, as a user types them; npm is the real one. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { beforeEach, describe, it } from 'mocha'
import { CLI, type Cli, openCli } from '../support/cli.ts'
import { commandSource, packPackage, serveNpm, writePackage } from '../support/npm-plugins.ts'
import { addPlugin, pluginSource, writePlugin } from '../support/plugins.ts'

const GREET = {
  name: 'coracle-plugin-greet',
  more: {
    oclif: { commands: './commands', topics: { greet: { description: 'Greetings' } } },
    scripts: { postinstall: 'touch ran', preinstall: 'touch ran' },
    coracle: { contract: '^1.0.0' },
  },
  files: {
    'commands/hello.js': `${commandSource("console.log('hello', argv.join(' '), config.bin)", 'Say hello')}
Test.aliases = ['hi']
Test.flags = { loud: { type: 'boolean', char: 'l', description: 'Shout' } }
`,
    'commands/greet/all.js': commandSource(
      "throw Object.assign(new Error('EEXIT: 3'), { code: 'EEXIT', oclif: { exit: 3 } })",
      'Greet all',
    ),
  },
} as const

describe('npm plugins', () => {
  let cli: Cli
  beforeEach(async () => {
    cli = await openCli()
    // Settings of the npm that runs the tests.
    for (const name of Object.keys(cli.env)) if (/^npm_/i.test(name)) delete cli.env[name]
  })

  const npm = () => join(cli.directory, 'root/npm')
  const install = (parts: Parameters<typeof writePackage>[1]) => {
    const tarball = packPackage(writePackage(cli.directory, parts))
    return cli.output('plugins', 'install', tarball)
  }

  it('bring commands, with help, other names, groups and exit statuses', () => {
    assert.equal(install(GREET), 'coracle-plugin-greet@1.0.0')
    assert.equal(cli.output('hello', 'a', 'b'), 'hello a b coracle')
    assert.equal(cli.output('hi'), 'hello  coracle')
    assert.match(
      cli.output('hello', '--help'),
      /^Usage: {2}coracle hello \[OPTIONS\]\n\nSay hello\n[\s\S]*-l, --loud {3}Shout$/,
    )
    assert.equal(cli.output('help', 'hello'), cli.output('hello', '--help'))
    assert.equal(cli.run(['greet', 'all']).status, 3)
    assert.match(cli.output('greet'), /^Usage: {2}coracle greet COMMAND\n\nGreetings\n[\s\S]* {2}all {3}Greet all$/m)
    const help = cli.run(['help'])
    assert.match(help.stdout, /^ {2}hello +Say hello$/m)
    assert.match(help.stdout, /^ {2}greet +Greetings$/m)
    assert.equal(help.stderr, '')
    assert.match(cli.run(['hallo']).stderr, /Did you mean 'hello'/)
  })

  it('are listed, inspected and removed beside single-file commands', () => {
    addPlugin(cli, 'one.js', pluginSource("context.print('one')", { more: "version: '2.5'," }))
    install(GREET)
    assert.equal(cli.output('plugins', '--quiet'), 'one\ncoracle-plugin-greet')
    assert.equal(cli.output('plugins', '--format', '{{.Version}}'), '2.5\n1.0.0')
    const [document] = JSON.parse(cli.output('plugins', 'inspect', 'coracle-plugin-greet')) as [Record<string, unknown>]
    assert.match(String(document['Integrity']), /^sha512-/)
    assert.deepEqual(document['Commands'], ['greet all', 'hello'])
    const stored = readdirSync(npm()).find((name) => name.startsWith('g-')) ?? ''
    const { dependencies } = JSON.parse(readFileSync(join(npm(), stored, 'package.json'), 'utf8')) as Record<
      string,
      object
    >
    assert.deepEqual(Object.keys(dependencies ?? {}), ['coracle-plugin-greet'])
    assert.equal(cli.output('plugins', 'uninstall', 'one', 'coracle-plugin-greet'), 'one\ncoracle-plugin-greet')
    assert.deepEqual(readdirSync(npm()), [])
    assert.match(cli.run(['hello']).stderr, /'hello' is not a coracle command/)
  })

  it('run none of their install scripts, unless they are allowed to', () => {
    install(GREET)
    const packages = () => join(npm(), readdirSync(npm()).find((name) => name.startsWith('g-')) ?? '', 'node_modules')
    assert(!existsSync(join(packages(), 'coracle-plugin-greet/ran')))
    cli.output('plugins', 'uninstall', 'coracle-plugin-greet')
    const tarball = packPackage(writePackage(cli.directory, GREET))
    cli.output('plugins', 'install', '--allow-scripts', tarball)
    assert(existsSync(join(packages(), 'coracle-plugin-greet/ran')))
  })

  it('come from a registry by name and version, and are updated from there', async () => {
    const registry = await serveNpm()
    writeFileSync(
      join(cli.directory, '.npmrc'),
      `registry=${registry.url}\ncache=${cli.directory}/cache\nfetch-retries=0\n`,
    )
    const version = (number: string) =>
      writePackage(cli.directory, {
        version: number,
        files: { 'commands/tell.js': commandSource(`console.log('${number}')`) },
      })
    try {
      registry.publish(version('1.0.0'))
      registry.publish(version('1.1.0'))
      assert.equal(
        await cli.served.output('plugins', 'install', 'coracle-plugin-test@1.0.0'),
        'coracle-plugin-test@1.0.0',
      )
      assert.equal(await cli.served.output('tell'), '1.0.0')
      assert.equal(await cli.served.output('plugins', 'update'), 'coracle-plugin-test@1.0.0') // as it was asked for
      assert.equal(await cli.served.output('plugins', 'install', 'coracle-plugin-test'), 'coracle-plugin-test@1.1.0')
      registry.publish(version('2.0.0'))
      assert.equal(
        await cli.served.output('plugins', 'update', 'coracle-plugin-test'),
        'coracle-plugin-test@2.0.0 (was 1.1.0)',
      )
      assert.equal(await cli.served.output('tell'), '2.0.0')
      const absent = await cli.served.run('plugins', 'install', 'coracle-plugin-absent')
      assert.match(absent.stderr, /^coracle: npm cannot install coracle-plugin-absent: .*404/)
      assert.equal(await cli.served.output('tell'), '2.0.0')
    } finally {
      registry.close()
    }
  })

  it('stay what they were when an installation is killed, or two run at once', async () => {
    install(GREET)
    const silent = createServer(() => {}).listen(0, '127.0.0.1') // npm waits for its answer
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const env = { ...cli.env, npm_config_registry: `http://127.0.0.1:${port}`, npm_config_fetch_retries: '0' }
    const asked = once(silent, 'request')
    const child = spawn(CLI, ['plugins', 'install', 'coracle-plugin-never'], { env, stdio: 'ignore' })
    await asked
    child.kill('SIGKILL')
    await once(child, 'exit')
    silent.closeAllConnections()
    silent.close()
    assert.equal(cli.output('hello'), 'hello  coracle')
    const [one, two] = ['one', 'two'].map((name) =>
      packPackage(
        writePackage(cli.directory, {
          name: `coracle-plugin-${name}`,
          files: { [`commands/${name}.js`]: commandSource(`console.log('${name}')`) },
        }),
      ),
    ) as [string, string]
    await Promise.all([one, two].map((tarball) => cli.served.output('plugins', 'install', tarball)))
    assert.deepEqual([cli.output('one'), cli.output('two'), cli.output('hi')], ['one', 'two', 'hello  coracle'])
    assert.deepEqual(readdirSync(npm()).filter((name) => name.startsWith('g-')).length, 1)
  })

  it('are used where they lie when they are linked, and changes hold at once', () => {
    const directory = writePackage(cli.directory, {
      files: { 'commands/tell.js': commandSource("console.log('old')") },
    })
    cli.output('plugins', 'link', directory)
    assert.equal(cli.output('tell'), 'old')
    writePackage(cli.directory, { files: { 'commands/tell.js': commandSource("console.log('new')") } })
    assert.equal(cli.output('tell'), 'new')
    writeFileSync(join(directory, 'package.json'), '{')
    const help = cli.run(['help'])
    assert.equal(help.status, 0)
    assert.match(help.stderr, /^WARNING: coracle-plugin-test: .*package\.json is no JSON\n$/)
    assert.match(cli.run(['tell']).stderr, /^coracle: the plugin coracle-plugin-test is broken: /)
    rmSync(directory, { recursive: true })
    assert.match(cli.run(['plugins']).stderr, /^WARNING: coracle-plugin-test: .* is not there any more$/m)
    assert.match(cli.output('plugins', 'inspect', 'coracle-plugin-test'), /"\S+ is not there any more"/)
  })

  it('never break the command line: what throws, hangs or is no code is told of in a line', () => {
    install({
      name: 'coracle-plugin-bad',
      files: {
        'commands/fine.js': commandSource("console.log('fine')"),
        'commands/throws.js': "throw new Error('thrown \\u001b[31mred')",
        'commands/syntax.js': 'export default class {',
      },
    })
    assert.equal(cli.output('fine'), 'fine')
    const help = cli.run(['help'])
    assert.equal(help.status, 0)
    assert(
      help.stderr
        .split('\n')
        .filter((line) => line !== '')
        .every((line) => line.startsWith('WARNING: coracle-plugin-bad: ')),
      help.stderr,
    )
    assert(!help.stderr.includes('\u001b'))
    assert.match(cli.run(['throws']).stderr, /^coracle: the plugin coracle-plugin-bad is broken: .*thrown/)
    assert.match(cli.run(['syntax']).stderr, /^coracle: the plugin coracle-plugin-bad is broken: .*SyntaxError/)
    assert.equal(cli.run(['version']).stderr, '')
    const hanging = packPackage(
      writePackage(cli.directory, {
        name: 'coracle-plugin-hangs',
        more: { coracle: { contract: '^1.0.0', backends: { hangs: './backend.js' } } },
        files: { 'backend.js': 'await new Promise(() => {})' },
      }),
    )
    const refused = cli.run(['plugins', 'install', hanging])
    assert.match(refused.stderr, /^coracle: .*coracle-plugin-hangs is not a plugin that can be used: /)
    assert.equal(cli.output('fine'), 'fine')
  })

  it('cannot take the place of a command of Coracle, nor two of them the same word', () => {
    const taken = { 'commands/run.js': commandSource(''), 'commands/mine.js': commandSource("console.log('mine')") }
    const tarball = packPackage(writePackage(cli.directory, { files: taken }))
    const { status, stderr } = cli.run(['plugins', 'install', tarball])
    assert.equal(status, 0)
    assert.equal(stderr, "WARNING: coracle-plugin-test: its command 'run' is left out: Coracle has that word itself\n")
    assert.match(cli.output('run', '--help'), /Create and run a new container/)
    assert.equal(cli.output('mine'), 'mine')
    const other = packPackage(writePackage(cli.directory, { name: 'coracle-plugin-other', files: taken }))
    assert.match(cli.run(['plugins', 'install', other]).stderr, /both have a command 'mine'/)
    const single = writePlugin(cli, 'mine.js', pluginSource(''))
    assert.match(cli.run(['plugins', 'add', '-A', single]).stderr, /mine and coracle-plugin-test, .* a command 'mine'/)
  })

  it('are completed as others are', () => {
    install(GREET)
    assert.match(cli.output('internal', 'complete', '--', 'h'), /^hello\tSay hello$/m)
    assert.match(cli.output('internal', 'complete', '--', 'greet', ''), /^all\tGreet all$/m)
    assert.equal(cli.output('internal', 'complete', '--', 'plugins', 'inspect', 'co'), 'coracle-plugin-greet')
  })

  it('are refused with who must upgrade when their contract does not fit', () => {
    const wants = (contract: string) => {
      const parts = { more: { coracle: { contract } }, files: { 'commands/x.js': commandSource('') } }
      return cli.run(['plugins', 'install', packPackage(writePackage(cli.directory, parts))]).stderr
    }
    assert.match(wants('^99.0.0'), /has 1\.\d+\.\d+\nCoracle must be upgraded\n$/)
    assert.match(wants('^0.1.0'), /\ncoracle-plugin-test must be upgraded: /)
    assert.equal(cli.output('plugins', '--quiet'), '')
  })

  it('have hooks around all commands, the failures of which change nothing', () => {
    const more = { oclif: { commands: './commands', hooks: { prerun: './good.js', postrun: './bad.js' } } }
    const files = {
      'commands/tell.js': commandSource("console.log('told')"),
      'good.js': "export default async ({ Command }) => console.error('before', Command.id)",
      'bad.js': "export default async () => { throw new Error('no luck') }",
    }
    install({ more, files })
    const { status, stderr } = cli.run(['version'])
    assert.equal(status, 0)
    assert.equal(stderr, 'before version\nWARNING: the hook postrun of coracle-plugin-test failed: no luck\n')
    assert.match(cli.run(['tell']).stderr, /^before tell\n/)
  })

  it('leave all else as it is when their list cannot be read, and a way to forget them', () => {
    addPlugin(cli, 'one.js', pluginSource("context.print('one')"))
    for (const list of ['{', 'null', '{"format":2,"plugins":[]}', '{"format":1,"plugins":[{"name":"x"}]}']) {
      mkdirSync(npm(), { recursive: true })
      writeFileSync(join(npm(), 'index.json'), list)
      writeFileSync(join(npm(), 'hooks.json'), list)
      const version = cli.run(['version'])
      assert.match(version.stdout, /Coracle/)
      assert.match(version.stderr, /^WARNING: .*hooks\.json, .* cannot be read: coracle plugins reset$/m)
      assert.equal(cli.output('one'), 'one')
      assert.match(cli.output('help'), /^ {2}one /m)
      assert.match(cli.output('internal', 'complete', '--', 'on'), /^one\t/)
      const listed = cli.run(['plugins', '--quiet'])
      assert.equal(listed.stdout, 'one\n')
      assert.match(listed.stderr, /^WARNING: .*index\.json, .* cannot be read: coracle plugins reset$/m)
      assert.equal(cli.output('plugins', 'update', 'one'), 'one has not changed')
      assert.match(cli.output('plugins', 'inspect', 'one'), /"Name": "one"/)
      assert.match(cli.run(['two']).stderr, /index\.json, .* cannot be read\ncoracle plugins reset\n$/)
      assert.equal(cli.output('plugins', 'reset', '--force'), '')
      assert.equal(cli.run(['version']).stderr, '')
      assert.match(cli.run(['two']).stderr, /is not a coracle command/)
    }
  })

  it('can be removed whatever their hooks do', () => {
    const more = { oclif: { hooks: { init: './leave.js' } } }
    install({ more, files: { 'leave.js': 'export default async () => process.exit(7)' } })
    assert.equal(cli.run(['version']).status, 7)
    assert.equal(cli.output('plugins', '--quiet'), 'coracle-plugin-test')
    assert.equal(cli.output('plugins', 'uninstall', 'coracle-plugin-test'), 'coracle-plugin-test')
    assert.equal(cli.run(['version']).status, 0)
  })

  it('have no hooks called that were written for another Coracle', () => {
    const more = { coracle: { contract: '^1.0.0' }, oclif: { hooks: { prerun: './hook.js' } } }
    install({ more, files: { 'hook.js': "export default async () => console.error('called')" } })
    assert.equal(cli.run(['version']).stderr, 'called\n')
    const path = join(npm(), 'hooks.json')
    writeFileSync(path, readFileSync(path, 'utf8').replace('^1.0.0', '^99.0.0'))
    assert.match(cli.run(['version']).stderr, /^WARNING: the hook prerun of coracle-plugin-test .*99\.0\.0.*$/m)
    assert.doesNotMatch(cli.run(['version']).stderr, /^called/)
  })

  it('cannot bring a group, or another name, that a single file has as its command', () => {
    addPlugin(cli, 'greet.js', pluginSource("context.print('one')"))
    const tarball = packPackage(writePackage(cli.directory, GREET))
    assert.match(cli.run(['plugins', 'install', tarball]).stderr, /both have a command 'greet'/)
    cli.output('plugins', 'uninstall', 'greet')
    addPlugin(cli, 'hi.js', pluginSource("context.print('one')"))
    assert.match(cli.run(['plugins', 'install', tarball]).stderr, /both have a command 'hi'/)
  })

  it('are refused where a file of theirs lies outside of the package', () => {
    const section = (file: string) => ({ more: { coracle: { contract: '^1.0.0', backends: { evil: file } } } })
    writeFileSync(join(cli.directory, 'outside.js'), '')
    const link = (file: string) => cli.run(['plugins', 'link', writePackage(cli.directory, section(file))]).stderr
    assert.match(link('../outside.js'), /leads out of the package/)
    assert.match(link('./absent.js'), /which is not there/)
    assert.match(cli.run(['plugins', 'install', '--', '--registry=http://evil']).stderr, /is no package/)
  })
})

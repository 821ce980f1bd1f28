/** Files that try to do what nobody granted them. Each attack must fail, while the same with the permission works where there is one. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, it } from 'mocha'
import { CLI, type Cli, type Outcome, openCli } from '../support/cli.ts'
import { eventually } from '../support/coracle.ts'
import { needsLandlock } from '../support/needs-landlock.ts'
import { addPlugin, type PluginParts, pluginSource, writePlugin } from '../support/plugins.ts'
import { moduleFromC } from '../support/wasm.ts'

describe('a plugin that attacks', () => {
  let cli: Cli
  beforeEach(async () => {
    cli = await openCli()
  })

  const attack = (body: string, parts: PluginParts = {}): Outcome => {
    addPlugin(cli, 'attack.js', pluginSource(`${body}; console.log('DONE')`, parts))
    return cli.run(['attack'])
  }
  const fails = (body: string, reason: RegExp, parts?: PluginParts): void => {
    const { status, stdout, stderr } = attack(body, parts)
    assert.deepEqual([status, stdout], [1, ''], `${stdout}${stderr}`)
    assert.match(stderr, reason)
  }
  const FS = { head: "import fs from 'node:fs'" }

  it('cannot read /etc/shadow', () => {
    fails("fs.readFileSync('/etc/shadow')", /attack: it was not granted read=\/etc\/shadow/, FS)
  })

  it('cannot read beside what it was granted', () => {
    mkdirSync(join(cli.directory, 'data'))
    writeFileSync(join(cli.directory, 'data/file'), 'granted')
    writeFileSync(join(cli.directory, 'data2'), 'beside')
    const read = (path: string) => `console.log(fs.readFileSync(${JSON.stringify(join(cli.directory, path))}, 'utf8'))`
    const parts = { ...FS, permissions: [`read=${cli.directory}/data`] }
    assert.match(attack(read('data/file'), parts).stdout, /^granted\nDONE/)
    cli.output('plugins', 'uninstall', 'attack')
    fails(read('data2'), /not granted read/, parts)
    cli.output('plugins', 'uninstall', 'attack')
    fails(read('data/../data2'), /not granted read/, parts)
  })

  it('cannot make a symbolic link out of what it may write', () => {
    mkdirSync(join(cli.directory, 'data'))
    const parts = { ...FS, permissions: [`read=${cli.directory}/data`, `write=${cli.directory}/data`] }
    fails(`fs.symlinkSync('/etc', ${JSON.stringify(`${cli.directory}/data/etc`)})`, /refused|not granted/, parts)
    assert(!existsSync(join(cli.directory, 'data/etc')))
  })

  it('does not follow a symbolic link of somebody else out of what it was granted', function () {
    needsLandlock(this)
    mkdirSync(join(cli.directory, 'data'))
    symlinkSync('/etc/passwd', join(cli.directory, 'data/link'))
    symlinkSync('../stolen', join(cli.directory, 'data/out'))
    const parts = { ...FS, permissions: [`read=${cli.directory}/data`, `write=${cli.directory}/data`] }
    fails(`fs.readFileSync(${JSON.stringify(`${cli.directory}/data/link`)})`, /EACCES|not granted/, parts)
    cli.output('plugins', 'uninstall', 'attack')
    fails(`fs.writeFileSync(${JSON.stringify(`${cli.directory}/data/out`)}, '')`, /EACCES|not granted/, parts)
    assert(!existsSync(join(cli.directory, 'stolen')))
    cli.output('plugins', 'uninstall', 'attack')
    const path = JSON.stringify(`${cli.directory}/data/mine`)
    assert.equal(attack(`fs.writeFileSync(${path}, 'x'); fs.rmSync(${path})`, parts).status, 0)
  })

  it('cannot fill the memory of the host', () => {
    fails('const all = []; for (let i = 0; i < 40; i++) all.push(Buffer.alloc(100 << 20))', /alloca/i)
  })

  it('ends with the command that started it, though that is killed', async function () {
    this.timeout(40_000)
    const body =
      'context.print(process.pid); setTimeout(() => { for (;;); }); await new Promise((resolve) => setTimeout(resolve, 1e6))'
    addPlugin(cli, 'spin.js', pluginSource(body))
    const child = spawn(CLI, ['spin'], { env: cli.env, stdio: ['ignore', 'pipe', 'ignore'] })
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
    child.kill('SIGKILL')
    await eventually('the plugin is gone', () => !existsSync(`/proc/${String(chunk).trim()}/exe`))
  })

  it('cannot write', () => {
    fails("fs.writeFileSync('/tmp/coracle-attack', '')", /not granted write=\/tmp\/coracle-attack/, FS)
    assert(!existsSync('/tmp/coracle-attack'))
  })

  it('cannot write through the database of Node, its loader, or another way round', () => {
    const path = join(cli.directory, 'stolen.db')
    const ways = [
      `const { DatabaseSync } = await import('node:sqlite'); new DatabaseSync('${path}').exec('create table t (x)')`,
      `new (process.getBuiltinModule('node:sqlite').DatabaseSync)('${path}')`,
      `(await import('node:module')).createRequire('/')('node:sqlite')`,
      "await import('node:vm')",
      "await import('node:ffi')",
      `process.mainModule.require('node:sqlite')`,
      `process.report.writeReport('${path}')`,
      "process.dlopen({ exports: {} }, '/lib/x86_64-linux-gnu/libc.so.6')",
      "process.binding('fs')",
    ]
    const body = `const left = []
      const ways = [${ways.map((way) => `async () => { ${way} }`).join(',\n')}]
      for (const [index, way] of ways.entries()) try { await way(); left.push(index) } catch {}
      if (left.length > 0) console.log('open:', left); else throw new Error('all closed')`
    fails(body, /all closed/)
    assert(!existsSync(path))
  })

  it('cannot connect, by whatever way it comes at a socket', () => {
    const file = writePlugin(cli, 'attack.js', pluginSource('', { head: "import net from 'node:net'" }))
    assert.match(cli.run(['plugins', 'add', file]).stderr, /it imports node:net, which a single file cannot have/)
    // Without importing it: a standard stream that is a pipe is one.
    const body = `const Socket = process.stdin.constructor
      await new Promise((resolve, reject) => new Socket().on('error', reject).connect(1, '127.0.0.1', resolve))`
    fails(body, /not granted net/)
    cli.output('plugins', 'uninstall', 'attack')
    fails("await fetch('http://127.0.0.1:12345/')", /not granted net/)
  })

  it('sees nothing of the environment but the variable that was granted', () => {
    const env = { SECRET: 'secret', GRANTED: 'granted', NODE_OPTIONS: '--no-warnings' }
    addPlugin(
      cli,
      'env.js',
      pluginSource('context.print(JSON.stringify(process.env))', { permissions: ['env=GRANTED'] }),
    )
    const { stdout } = cli.run(['env'], { env })
    assert(!stdout.includes('SECRET') && !stdout.includes('NODE_OPTIONS') && !stdout.includes('PATH'), stdout)
    assert.equal((JSON.parse(stdout) as Record<string, string>)['GRANTED'], 'granted')
  })

  it('cannot start programs or threads, or become another one', () => {
    fails("await import('node:child_process')", /imports node:child_process/)
    cli.output('plugins', 'uninstall', 'attack')
    fails("await import('node:worker_threads')", /imports node:worker_threads/)
    cli.output('plugins', 'uninstall', 'attack')
    fails("process.execve('/bin/true', ['true'])", /not a function/)
  })

  it('cannot signal the process that started it, nor slow it down', () => {
    fails('process.kill(process.ppid)', /not a function/)
    cli.output('plugins', 'uninstall', 'attack')
    fails('os.setPriority(process.ppid, 19)', /not a function/, { head: "import os from 'node:os'" })
  })

  it('is nobody when root runs it with no files granted', function () {
    if (process.geteuid?.() !== 0) this.skip()
    addPlugin(
      cli,
      'who.js',
      pluginSource("context.print([process.getuid(), process.getgid(), ...process.getgroups()].join(' '))"),
    )
    assert.match(cli.output('who'), /^65534 65534( 65534)?$/)
  })

  it('can do nothing while it is asked what it is', () => {
    const marker = join(cli.directory, 'marker')
    const head = `import fs from 'node:fs'\nfs.writeFileSync(${JSON.stringify(marker)}, '')`
    const file = writePlugin(cli, 'early.js', pluginSource('', { head, permissions: ['write'] }))
    const refused = cli.run(['plugins', 'add', '--allow-all', file])
    assert.match(refused.stderr, /early.js could not be asked what it is: it was not granted write/)
    assert(!existsSync(marker))
    assert.deepEqual(pluginDirectories(), [])
  })

  it('cannot keep us waiting when it is asked what it is', function () {
    this.timeout(40_000)
    const refused = cli.run(['plugins', 'add', writePlugin(cli, 'spin.js', pluginSource('', { head: 'for (;;);' }))])
    assert.match(refused.stderr, /no answer within 10 s/)
  })

  it('cannot fill our memory when it is asked what it is', () => {
    const more = `description: 'x'.repeat(5_000_000),`
    const refused = cli.run(['plugins', 'add', writePlugin(cli, 'big.js', pluginSource('', { more }))])
    assert.match(refused.stderr, /it sent more than 1048576 bytes at once/)
  })

  it('ends with SIGTERM and ^C, though it spins and listens to neither', async function () {
    this.timeout(40_000)
    const head = "process.on('SIGTERM', () => {}); process.on('SIGINT', () => {})"
    const body =
      "process.stdout.write('spinning', () => { for (;;); }); await new Promise((resolve) => setTimeout(resolve, 1e6))"
    addPlugin(cli, 'spin.js', pluginSource(body, { head }))
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const child = spawn(CLI, ['spin'], { env: cli.env, stdio: ['ignore', 'pipe', 'ignore'] })
      await once(child.stdout, 'data')
      child.kill(signal)
      const [status] = (await once(child, 'exit')) as [number]
      assert.equal(status, 137)
    }
  })

  it('cannot bring a terminal to obey by what it is called, says or asks for', () => {
    const title = '\u001b]0;owned\u0007'
    const declarations: PluginParts[] = [
      { summary: `nice${title}` },
      { more: `description: ${JSON.stringify(title)},` },
      { permissions: [`read=/data${title}`] },
      { permissions: ['read=/\u202egpj'] },
      { head: `throw new Error(${JSON.stringify(`${title}\ncoracle: all is well`)})` },
      { more: `flags: { ${JSON.stringify(`a${title}`)}: { type: 'boolean' } },` },
    ]
    for (const parts of declarations) {
      const { status, stdout } = cli.atTerminal([
        'plugins',
        'add',
        '-A',
        writePlugin(cli, 'evil.js', pluginSource('', parts)),
      ])
      assert.equal(status, 1, stdout)
      assert(!stdout.includes('\ncoracle: all'), stdout)
      assert(!['\u001b', '\u202e'].some((character) => stdout.includes(character)), JSON.stringify(stdout))
    }
  })

  it('is not run when the stored file is no longer what was installed', () => {
    addPlugin(cli, 'same.js', pluginSource('context.print("as installed")'))
    const directory = join(cli.directory, 'root/plugins/same')
    const code = readdirSync(directory).find((name) => name !== 'plugin.json') ?? ''
    writeFileSync(join(directory, code), pluginSource('context.print("changed")'))
    const { status, stdout, stderr } = cli.run(['same'])
    assert.deepEqual([status, stdout], [1, ''])
    assert.match(stderr, /its file has changed since it was installed/)
  })

  it('is not run with a record that grants what it never asked for in words we know', () => {
    addPlugin(cli, 'same.js', pluginSource(''))
    const record = join(cli.directory, 'root/plugins/same/plugin.json')
    const plugin = JSON.parse(readFileSync(record, 'utf8')) as object
    writeFileSync(record, JSON.stringify({ ...plugin, granted: ['read=*'] }))
    assert.match(cli.run(['same']).stderr, /the plugin same is broken/)
  })

  it('as a module finds no file of the host', async () => {
    symlinkSync('/etc/shadow', join(cli.directory, 'link'))
    const source = `#include <stdio.h>
      #include <stdlib.h>
      extern char **environ;
      __asm__(".section .custom_section.coracle.command,\\"\\",@\\n"
        ".ascii \\"{\\\\\\"contract\\\\\\":\\\\\\"*\\\\\\",\\\\\\"summary\\\\\\":\\\\\\"x\\\\\\"}\\"\\n");
      int main(void) {
        const char *paths[] = {"/etc/shadow", "/../etc/shadow", "/proc/self/environ", "${cli.directory}/link"};
        for (int i = 0; i < 4; i++) if (fopen(paths[i], "r")) printf("open: %s\\n", paths[i]);
        for (char **each = environ; each && *each; each++) printf("%s\\n", *each);
        fflush(stdout);
        volatile int spin = 1;
        while (getenv("SPIN") && spin);
        return 0;
      }`
    addPlugin(cli, 'module.wasm', await moduleFromC(source))
    const { status, stdout } = cli.run(['module'], { env: { SECRET: 'secret' } })
    assert.equal(status, 0)
    assert(!/open:|SECRET|PATH/.test(stdout), stdout)
  })

  function pluginDirectories(): string[] {
    const path = join(cli.directory, 'root/plugins')
    return existsSync(path) ? readdirSync(path) : []
  }
})

/** More attacks of single-file commands: races, sockets, what /proc shows, memory, disks, and the line to us. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { CLI, type Cli, type Outcome, openCli } from '../support/cli.ts'
import { needsLandlock } from '../support/needs-landlock.ts'
import { addPlugin, type PluginParts, pluginSource } from '../support/plugins.ts'
import { moduleFromC } from '../support/wasm.ts'

const FS = "import fs from 'node:fs'"
const DECLARATION = `__asm__(".section .custom_section.coracle.command,\\"\\",@\\n"
  ".ascii \\"{\\\\\\"contract\\\\\\":\\\\\\"*\\\\\\",\\\\\\"summary\\\\\\":\\\\\\"x\\\\\\"}\\"\\n");
`

describe('the walls around a plugin', () => {
  let cli: Cli
  beforeEach(async () => {
    cli = await openCli()
  })

  const attack = (body: string, parts: PluginParts = {}): Outcome => {
    addPlugin(cli, 'attack.js', pluginSource(body, parts))
    return cli.run(['attack'])
  }
  /** Tries all ways; answers with those that worked, and what they brought. */
  const open = (ways: Readonly<Record<string, string>>, parts: PluginParts = {}): string => {
    const tries = Object.entries(ways).map(([name, way]) => `[${JSON.stringify(name)}, async () => { ${way} }]`)
    const { stdout, stderr } = attack(
      `const left = []
      for (const [name, way] of [${tries.join(',\n')}])
        try { left.push(name + ': ' + (await way())) } catch {}
      console.log('TRIED ' + left.join('; '))`,
      parts,
    )
    assert.match(stdout, /^TRIED /, stderr)
    return stdout.trim()
  }

  it('hold when another process exchanges a directory for a link during the call', async function () {
    needsLandlock(this)
    this.timeout(60_000)
    for (const name of ['data', 'data/dir', 'secrets']) mkdirSync(join(cli.directory, name))
    writeFileSync(join(cli.directory, 'data/dir/file'), 'granted')
    writeFileSync(join(cli.directory, 'secrets/file'), 'SECRET')
    const exchange = `import os
os.symlink('../secrets', 'link')
while True:
    os.rename('dir', 'aside'); os.rename('link', 'dir'); os.rename('dir', 'link'); os.rename('aside', 'dir')`
    const racer = spawn('python3', ['-c', exchange], { cwd: join(cli.directory, 'data'), stdio: 'ignore' })
    const ended = once(racer, 'exit')
    try {
      const path = JSON.stringify(join(cli.directory, 'data/dir'))
      const body = `const seen = {}
        const note = (what) => { seen[what] = (seen[what] ?? 0) + 1 }
        for (let round = 0; round < 20_000; round++) {
          try { note(fs.readFileSync(${path} + '/file', 'utf8')) } catch (error) { note(error.code) }
          if (round % 4 === 0) try { fs.writeFileSync(${path} + '/mine', 'written'); note('written') } catch (error) { note(error.code) }
        }
        console.log(JSON.stringify(seen))`
      const permissions = [`read=${cli.directory}/data`, `write=${cli.directory}/data`]
      const { stdout } = attack(body, { head: FS, permissions })
      const seen = JSON.parse(stdout) as Record<string, number>
      assert((seen['granted'] ?? 0) > 0 && (seen['written'] ?? 0) > 0 && (seen['EACCES'] ?? 0) > 0, stdout)
      assert.equal(seen['SECRET'], undefined, stdout)
      assert.deepEqual(readdirSync(join(cli.directory, 'secrets')), ['file'])
    } finally {
      racer.kill('SIGKILL')
      await ended
    }
  })

  it('let nothing in or out of what was granted by links, renames and copies', () => {
    mkdirSync(join(cli.directory, 'data'))
    writeFileSync(join(cli.directory, 'beside'), 'SECRET')
    writeFileSync(join(cli.directory, 'data/mine'), 'mine')
    const [beside, mine, fresh] = ['beside', 'data/mine', 'data/fresh'].map((name) =>
      JSON.stringify(join(cli.directory, name)),
    )
    const read = `fs.readFileSync(${fresh}, 'utf8')`
    const ways = {
      link: `fs.linkSync(${beside}, ${fresh}); return ${read}`,
      symlink: `fs.symlinkSync(${beside}, ${fresh}); return ${read}`,
      rename: `fs.renameSync(${beside}, ${fresh}); return ${read}`,
      copy: `fs.copyFileSync(${beside}, ${fresh}); return ${read}`,
      out: `fs.renameSync(${mine}, ${beside})`,
      'link out': `fs.linkSync(${mine}, ${JSON.stringify(join(cli.directory, 'out'))})`,
      up: `return fs.readFileSync(${mine} + '/../../beside', 'utf8')`,
      buffer: `return fs.readFileSync(Buffer.from(${beside}), 'utf8')`,
      url: `return fs.readFileSync(new URL('file://' + ${beside}), 'utf8')`,
      promise: `return await fs.promises.readFile(${beside}, 'utf8')`,
      descriptor: `return fs.readFileSync('/proc/self/cwd/' + ${beside}, 'utf8')`,
      root: `return fs.readFileSync('/proc/self/root' + ${beside}, 'utf8')`,
      watch: `fs.watch(${beside}).close(); return 'watched'`,
      stat: `fs.chmodSync(${beside}, 0o777)`,
    }
    const permissions = [`read=${cli.directory}/data`, `write=${cli.directory}/data`]
    assert.equal(open(ways, { head: FS, permissions }), 'TRIED')
    assert.equal(readFileSync(join(cli.directory, 'beside'), 'utf8'), 'SECRET')
    assert.deepEqual(readdirSync(join(cli.directory, 'data')), ['mine'])
  })

  it('let no socket out of any kind', async () => {
    const unix = createServer((socket) => socket.end('REACHED')).listen(join(cli.directory, 'socket'))
    await once(unix, 'listening')
    const socket = 'const Socket = process.stdin.constructor'
    const connect = (where: string) =>
      `${socket}; return await new Promise((resolve, reject) => new Socket().on('error', reject).on('data', resolve).connect(${where}, () => resolve('CONNECTED')))`
    const ways = {
      tcp: connect("{ port: 1, host: '127.0.0.1' }"),
      unix: connect(JSON.stringify({ path: join(cli.directory, 'socket') })),
      abstract: connect(String.raw`{ path: '\0coracle-test' }`),
      udp: "const { createSocket } = await import('node:dgram'); createSocket('udp4').bind(0); return 'bound'",
      names: "return (await (await import('node:dns/promises')).lookup('localhost')).address",
      fetch: "return (await fetch('http://127.0.0.1:1/')).status",
      websocket:
        "const ws = new WebSocket('ws://127.0.0.1:1/'); return await new Promise((resolve, reject) => { ws.onopen = resolve; ws.onerror = reject })",
      inspector: "return (await import('node:inspector')).open(0)",
    }
    assert.equal(open(ways), 'TRIED')
    unix.close()
  })

  it('show no environment by way of /proc, and nobody else there', () => {
    const ways = {
      own: "return fs.readFileSync('/proc/self/environ', 'utf8')",
      parent: "return fs.readFileSync('/proc/' + process.ppid + '/environ', 'utf8')",
      first: "return fs.readFileSync('/proc/1/environ', 'utf8')",
      thread: "return fs.readFileSync('/proc/thread-self/environ', 'utf8')",
      words: "return fs.readFileSync('/proc/' + process.ppid + '/cmdline', 'utf8')",
      memory: "return fs.openSync('/proc/self/mem', 'r+')",
      list: "return fs.readdirSync('/proc').length",
    }
    const env = { ...cli.env }
    cli.env['SECRET'] = 'secret'
    assert.equal(open(ways, { head: FS }), 'TRIED')
    Object.assign(cli.env, env)
  })

  it('let nothing be written where nothing was granted', () => {
    const places = ['/tmp', '/dev/shm', '/var/tmp', '/run', cli.directory, '.', join(cli.directory, 'root')]
    const ways = Object.fromEntries(
      places.map((place) => [place, `fs.writeFileSync(${JSON.stringify(`${place}/coracle-attack`)}, 'x')`]),
    )
    assert.equal(open(ways, { head: FS }), 'TRIED')
    for (const place of places) assert(!existsSync(join(place, 'coracle-attack')), place)
  })

  it('bound the memory of whatever kind', function () {
    this.timeout(60_000)
    const grow = {
      heap: 'const all = []; for (;;) all.push(new Array(1e5).fill(all.length))',
      shared:
        'const all = []; for (let i = 0; i < 40; i++) all.push(new Uint8Array(new SharedArrayBuffer(100 << 20)).fill(1))',
      wasm: 'const all = []; for (let i = 0; i < 40; i++) { all.push(new WebAssembly.Memory({ initial: 1600 })); new Uint8Array(all.at(-1).buffer).fill(1) }',
    }
    for (const [name, body] of Object.entries(grow)) {
      const { status, stdout } = attack(`${body}; console.log('DONE')`)
      assert(status !== 0 && !stdout.includes('DONE'), `${name}: ${status}`)
      cli.output('plugins', 'uninstall', 'attack')
    }
  })

  it('take no call of a strange name, and nothing that would change ours', () => {
    const body = `
      const { once } = await import('node:events')
      const frames = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'then', '', 'images.__proto__']
        .map((method, index) => JSON.stringify({ id: 1e6 + index, method, parameter: {} }))
      frames.push(
        '{"id":2000000,"method":"images.list","parameter":{"__proto__":{"all":true},"constructor":{"prototype":{"polluted":1}}},"__proto__":{"granted":["net"]}}',
        '{"__proto__":{"id":2000001,"method":"images.list"}}', 'null', '[]', '1', '{"id":"x","method":"images.list"}', '{"id":1e400,"method":"images.list"}')
      for (const frame of frames) fs.writeSync(3, frame + '\\n')
      console.log(JSON.stringify(await context.engine.images.list()))
      try { await context.engine.run({ image: 'x' }).status } catch (error) { console.log(error.message) }`
    const { stdout } = attack(body, { head: FS, permissions: ['engine:read'] })
    assert.match(stdout, /^\[\]\nit was not granted engine:run/)
  })

  it('end a plugin that sends more than a request may hold, or no request', () => {
    for (const frame of ["'x'.repeat(2 << 20)", "'{]\\n'"]) {
      const body = `for (let text = ${frame}; text !== ''; ) try { text = text.slice(fs.writeSync(3, text)) } catch (error) { if (error.code !== 'EAGAIN') throw error }
        await new Promise((resolve) => setTimeout(resolve, 1e6))`
      assert.equal(attack(body, { head: FS }).status, 137)
      cli.output('plugins', 'uninstall', 'attack')
    }
  })

  describe('that is a module', () => {
    const running: ChildProcess[] = []
    afterEach(() => {
      for (const child of running.splice(0)) child.kill('SIGKILL')
    })

    it('leave it no memory without an end, no socket, and no file that stays', async () => {
      const source = `#include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/socket.h>
        #include <unistd.h>
        ${DECLARATION}
        int main(void) {
          for (int fd = 3; fd < 20; fd++) if (shutdown(fd, 2) == 0 || send(fd, "x", 1, 0) == 1) printf("socket %d\\n", fd);
          FILE *file = fopen("/kept", "w");
          if (file) fputs("kept", file), fclose(file);
          long blocks = 0;
          for (volatile char *block; blocks < 4096 && (block = malloc(1 << 20)); blocks++) memset((char *)block, 1, 1 << 20), block[0]++;
          printf("%d\\n", blocks < 2048);
          return 0;
        }`
      addPlugin(cli, 'module.wasm', await moduleFromC(source))
      const { status, stdout, stderr } = cli.run(['module'])
      assert.deepEqual([status, stdout], [0, '1\n'], stderr)
      assert(!existsSync('/kept'))
    })

    it('end it with SIGTERM, though it spins', async () => {
      const source = `#include <stdio.h>
        ${DECLARATION}
        int main(void) { puts("spinning"); fflush(stdout); for (volatile int spin = 1; spin; ) continue; }`
      addPlugin(cli, 'spin.wasm', await moduleFromC(source))
      const child = spawn(CLI, ['spin'], { env: cli.env, stdio: ['ignore', 'pipe', 'ignore'] })
      running.push(child)
      await once(child.stdout, 'data')
      child.kill('SIGTERM')
      const [status] = (await once(child, 'exit')) as [number]
      assert(status === 143 || status === 137, `${status}`)
    })

    it('give it its standard streams while they flow', async () => {
      const source = `#include <stdio.h>
        ${DECLARATION}
        int main(void) { char line[100]; while (fgets(line, sizeof line, stdin)) { printf("got %s", line); fflush(stdout); } puts("end"); }`
      addPlugin(cli, 'echo.wasm', await moduleFromC(source))
      const child = spawn(CLI, ['echo'], { env: cli.env, stdio: ['pipe', 'pipe', 'inherit'] })
      running.push(child)
      let said = ''
      child.stdout.on('data', (chunk: Buffer) => {
        said += String(chunk)
      })
      for (const line of ['one\n', 'two\n']) {
        child.stdin.write(line)
        while (!said.endsWith(`got ${line}`)) await once(child.stdout, 'data')
      }
      child.stdin.end()
      await once(child, 'exit')
      assert.equal(said, 'got one\ngot two\nend\n')
    })
  })
})

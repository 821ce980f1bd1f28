/** Containers that single-file commands run: what they get out of them, and what they cannot get by them. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, before, beforeEach, describe, it } from 'mocha'
import { CLI } from '../support/cli.ts'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { pluginSource } from '../support/plugins.ts'

describe('a plugin that runs containers', () => {
  let coracle: Coracle
  before(function () {
    needsRoot(this)
  })
  beforeEach(() => {
    coracle = openCoracle()
  })
  afterEach(() => {
    coracle.close()
  })

  const add = (body: string, permissions: readonly string[] = ['engine:run']): void => {
    const file = join(coracle.directory, 'job.js')
    writeFileSync(file, pluginSource(`const { engine, print } = context; ${body}`, { permissions }))
    coracle.output('plugins', 'add', '-A', file)
  }
  const prints = (body: string, permissions?: readonly string[]): string => {
    add(body, permissions)
    const said = coracle.output('job')
    coracle.output('plugins', 'uninstall', 'job')
    return said
  }
  const run = (options: object): string => `engine.run(${JSON.stringify({ image: IMAGE, ...options })})`
  const sh = (script: string, options: object = {}): string => run({ args: ['sh', '-c', script], ...options })
  const caught = (body: string): string =>
    `try { ${body}; print('DONE') } catch (error) { print(error.code + ' ' + error.message) }`

  it('gets status and both streams, and gives input, words, variables, a user and a directory', () => {
    const script = 'cat; echo "$NAME $(id -u) $(pwd)"; echo beside >&2; exit 3'
    const options = { env: { NAME: 'a b=c' }, user: '7', workdir: '/tmp', input: 'in\n' }
    const said = prints(`print(JSON.stringify(await ${sh(script, options)}.output()))`)
    assert.deepEqual(JSON.parse(said), { status: 3, stdout: 'in\na b=c 7 /tmp\n', stderr: 'beside\n' })
    assert.equal(coracle.output('ps', '-aq'), '')
  })

  it('reads output while it comes, and holds a container back that prints faster', () => {
    const body = `const { stdout, status } = ${sh('echo first; head -c 8000000 /dev/zero; echo')}
      let length = 0
      for await (const chunk of stdout) {
        if (length === 0) print(Buffer.from(chunk).subarray(0, 5).toString() + (await engine.containers.list()).length)
        length += chunk.length
      }
      print(length + ' ' + (await status))`
    assert.equal(prints(body, ['engine:run', 'engine:read']), 'first1\n8000007 0')
  })

  it('runs eight at once and no more', () => {
    const body = `const runs = Array.from({ length: 8 }, () => ${sh('cat')})
      ${caught(`await ${sh('true')}.status`)}
      print((await Promise.all(runs.map(({ status }) => status))).join(''))`
    assert.equal(prints(body), 'PLUGIN_MISBEHAVED more than 8 containers at once\n00000000')
  })

  it('is refused without the permission', () => {
    assert.match(
      prints(caught(`await ${sh('true')}.output()`), ['engine:read']),
      /^PLUGIN_PERMISSIONS_NEEDED it was not granted engine:run/,
    )
    assert.match(
      prints(caught(`await engine.images.remove('${IMAGE}')`)),
      /not granted engine:write, which images.remove needs/,
    )
    assert.equal(coracle.output('images', '-q').split('\n').length, 1)
  })

  it('manages images and containers with engine:write', () => {
    coracle.output('run', '-d', '--stop-signal', 'KILL', '--name', 'web', IMAGE, 'sleep', '1000')
    const body = `await engine.containers.stop('web'); await engine.containers.remove('web'); await engine.images.remove('${IMAGE}')`
    prints(body, ['engine:write'])
    assert.equal(coracle.output('ps', '-aq') + coracle.output('images', '-q'), '')
  })

  it('has no network in there, and pulls nothing, unless it may use the network itself', () => {
    const links = "ls /sys/class/net | tr '\\n' ' '"
    const asked = `print((await ${sh(links)}.output()).stdout)`
    assert.equal(prints(asked).trim(), 'lo')
    const missing = caught(`await engine.run({ image: '127.0.0.1:1/secret:leaks' }).output()`)
    assert.match(prints(missing), /No such image|not found/i)
    assert.match(prints(missing, ['engine:run', 'net']), /cannot reach the registry 127\.0\.0\.1:1/)
  })

  it('cannot have mounts, devices, privileges or namespaces of the host, by whatever words', () => {
    const wishes = {
      volume: ['/:/host'],
      v: ['/:/host'],
      mount: ['type=bind,source=/,target=/host'],
      flags: { volume: ['/:/host'], privileged: true },
      privileged: true,
      device: ['/dev/null:/dev/mem'],
      'cap-add': ['ALL'],
      network: ['host'],
      pid: 'host',
      name: 'chosen',
      __proto__: null,
    }
    const look =
      'ls -d /host /dev/mem; grep -e CapBnd -e NoNewPrivs /proc/self/status; ls /sys/class/net; ls /proc | grep -c "^[0-9]"'
    const said = prints(`print((await ${sh(look, wishes)}.output()).stdout)`)
    const [bounding = '', noNew = '', links, processes] = said.split('\n')
    assert.match(bounding, /CapBnd:\s00000000a80425fb/)
    assert.match(noNew, /NoNewPrivs:\s1/)
    assert.deepEqual([links, Number(processes) < 10], ['lo', true], said)
  })

  it('cannot run a file of the host, or pass a variable of its user on', () => {
    const images = ['./module.wasm', '/etc/passwd', '../x', '', 'a b', '--privileged']
    const environments = [{ 'HOME=x\nPATH': '' }, ['HOME'], { HOME: { toString: 1 } }, { 'A\0B': '' }]
    const wrong = [...images.map((image) => ({ image })), ...environments.map((env) => ({ image: IMAGE, env }))]
    const said = prints(`for (const wish of ${JSON.stringify(wrong)}) { ${caught('await engine.run(wish).output()')} }`)
    const expected = [
      ...images.map(() => /invalid reference/),
      ...environments.map(() => /env of run (?:has a name that is none|must be text)/),
    ]
    for (const [index, line] of said.split('\n').entries()) assert.match(line, expected[index] ?? /nothing/)
    assert.equal(said.split('\n').length, expected.length)
  })

  it('has a bounded part of the memory and processes of the host', () => {
    const [memory = '', processes] = prints(
      `await ${sh('true')}.status; const { stdout } = await ${sh('cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null')}.output(); print(stdout)`,
    ).split('\n')
    assert.deepEqual([Number(memory), Number(processes)], [(2 << 30) >>> 0, 512])
  })

  it('takes its containers with it, though it ends without a word or is killed', async function () {
    this.timeout(60_000)
    const wait = `const { stdout } = ${sh('echo up; sleep 1000')}; for await (const chunk of stdout) print('up')`
    add(`${sh('sleep 1000')}; ${wait.replace("print('up')", 'process.exit(5)')}`)
    assert.equal(coracle.run(['job']).status, 5)
    assert.equal(coracle.output('ps', '-aq'), '')
    coracle.output('plugins', 'uninstall', 'job')
    add(wait)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const child = spawn(CLI, ['job'], { env: coracle.env, stdio: ['ignore', 'pipe', 'inherit'] })
      await once(child.stdout, 'data')
      child.kill(signal)
      await once(child, 'exit')
      assert.equal(coracle.output('ps', '-aq'), '')
    }
  })

  it('cannot fill our memory by asking for more than it reads', async function () {
    this.timeout(60_000)
    // Straight to the line, past our own client: calls, and words of having read, and never a look at the answers.
    const body = `const fs = await import('node:fs')
      const pause = new Int32Array(new SharedArrayBuffer(4))
      const ask = (frame) => {
        const line = JSON.stringify(frame) + '\\n'
        for (let tries = 0; ; tries++)
          try { return fs.writeSync(3, line) } catch (error) {
            if (error.code !== 'EAGAIN') throw error
            if (tries === 100) process.stdout.write('held back')
            Atomics.wait(pause, 0, 0, 10)
          }
      }
      ask({ id: 1, method: 'run', parameter: { image: '${IMAGE}', args: ['cat', '/dev/zero'] } })
      for (const taken of [1e15, -1e15, 1e15, 1.5]) ask({ id: 1, taken })
      for (let id = 2; ; id++) { ask({ id, method: 'images.list' }); ask({ id: 1, taken: 1e15 }) }`
    add(body, ['engine:run', 'engine:read'])
    const child = spawn(CLI, ['job'], { env: coracle.env, stdio: ['ignore', 'pipe', 'inherit'] })
    const memoryKib = (): number =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1])
    const guard = setInterval(() => memoryKib() > 500_000 && child.kill('SIGKILL'), 100)
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
    clearInterval(guard)
    assert.equal(child.signalCode, null, 'its answers have filled our memory')
    assert(memoryKib() < 300_000, `${memoryKib()} KiB`)
    child.kill('SIGTERM')
    await once(child, 'exit')
    assert.equal(coracle.output('ps', '-aq'), '')
  })
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { writeContext } from '../support/build-context.ts'
import { type Builder, useBuilder } from '../support/built.ts'
import { type Coracle, eventually, IMAGE, type Outcome, openCoracle, spawned } from '../support/coracle.ts'
import { startTestRegistry } from '../support/image-registry.ts'

const FROM = `FROM ${IMAGE}\n`

describe('what build answers', function () {
  this.timeout(60_000)
  let coracle: Coracle
  let builder: Builder
  useBuilder((opened) => {
    ;({ coracle, builder } = opened)
  })

  it('is the id alone with -q, also in a file, under each name', () => {
    const root = writeContext(coracle.directory, { Dockerfile: `${FROM}RUN echo said\n` })
    const file = join(coracle.directory, 'id')
    const { status, stdout, stderr } = coracle.run(['build', '-q', '--iidfile', file, '-t', 'a:1', '-t', 'b', root])
    assert.deepEqual([status, stderr], [0, ''])
    assert.match(stdout, /^sha256:[0-9a-f]{64}\n$/)
    assert.equal(readFileSync(file, 'utf8').trim(), stdout.trim())
    for (const name of ['a:1', 'b:latest'])
      assert.equal(coracle.output('image', 'inspect', '-f', '{{.Id}}', name), stdout.trim())
    const failed = coracle.run([
      'build',
      '-q',
      writeContext(coracle.directory, { Dockerfile: `${FROM}RUN echo why; exit 9\n` }),
    ])
    assert.deepEqual([failed.status, failed.stdout], [1, ''])
    assert.match(failed.stderr, /why\n------[\s\S]*> 2 \| RUN echo why; exit 9/)
  })

  it('makes the stages anew that are named, and those that stand on them', () => {
    const Dockerfile = `FROM ${IMAGE} AS one\nRUN echo 1\nFROM ${IMAGE} AS two\nRUN echo 2\nFROM one\nCOPY --from=two /etc /x\n`
    builder.built({ Dockerfile })
    const said = builder.built({ Dockerfile }, '--no-cache-filter', 'two')
    const isCached = (words: string) => {
      const number = new RegExp(`^#(\\d+) .*${words}$`, 'm').exec(said)?.[1]
      return said.includes(`#${number} CACHED\n`)
    }
    assert.deepEqual([isCached('RUN echo 1'), isCached('RUN echo 2')], [true, false], said)
  })

  it('ends at once when it is interrupted, and leaves nothing', async () => {
    for (const signals of [['SIGINT'], ['SIGINT', 'SIGINT'], ['SIGTERM']] as const) {
      const root = writeContext(coracle.directory, {
        Dockerfile: `${FROM}RUN trap "" TERM INT; echo ready; sleep 1000\n`,
      })
      const child = coracle.start(['build', '--progress', 'plain', '--network', 'none', root])
      let said = ''
      child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
      await eventually('the command has begun', () => /\d ready/.test(said))
      const closed = once(child, 'close')
      for (const signal of signals) child.kill(signal)
      const [status] = (await closed) as [number | null]
      // Who asks twice does not want to wait, not even for directories to be removed: the next build does that.
      assert.ok(status === 130 || status === 143 || signals.length > 1, `${signals}: ${status} ${said}`)
      if (signals.length > 1) builder.built({ Dockerfile: FROM })
      assert.deepEqual(builder.work(), [])
    }
  })

  it('removes what a build has left that was killed when its step had just ended', async () => {
    const root = writeContext(coracle.directory, { Dockerfile: `${FROM}RUN echo ready; sleep 1000\n` })
    const child = coracle.start(['build', '--progress', 'plain', '--network', 'none', root])
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await eventually('the step has begun', () => /\d ready/.test(said))
    const closed = once(child, 'close')
    child.kill('SIGSTOP') // it takes the end of the step, and does nothing about it
    const running = join(coracle.directory, 'run/c')
    const [name = ''] = readdirSync(running)
    const record = readFileSync(join(running, name, 'pid'), 'utf8')
    const [step, supervisor] = [/^container=(\d+)$/m, /^supervisor=(\d+)$/m].map((line) =>
      Number(line.exec(record)?.[1]),
    )
    process.kill(step ?? 0, 'SIGKILL')
    await eventually('its supervisor has ended', () => !existsSync(`/proc/${supervisor}/exe`))
    child.kill('SIGKILL')
    await closed
    assert.deepEqual(readdirSync(running), [name])
    builder.built({ Dockerfile: FROM })
    assert.deepEqual(readdirSync(running), [])
  })

  it('tells of a registry that dies while it is pushed to, and keeps what was built', async () => {
    let asked = 0
    const server = createServer((request, answer) => {
      asked += 1
      if (asked < 3) answer.writeHead(request.url === '/v2/' ? 200 : 404).end()
      else request.socket.destroy()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const name = `127.0.0.1:${(server.address() as AddressInfo).port}/dies:1`
    const root = writeContext(coracle.directory, { Dockerfile: `${FROM}RUN echo pushed > /p\n` })
    try {
      const child = coracle.start(['build', '--network', 'none', '-t', name, '--push', root])
      child.stdin?.end()
      let said = ''
      child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
      const [status] = (await once(child, 'close')) as [number | null]
      assert.equal(status, 1, said)
      assert.doesNotMatch(said, /internal error/)
      assert.ok(asked >= 3)
    } finally {
      server.closeAllConnections()
      server.close()
    }
    assert.match(builder.built(root), /RUN echo pushed > \/p\n#\d+ CACHED/)
    assert.match(coracle.run(['system', 'check']).stdout, /all is well$/m)
  })

  it('pushes the image that this build has made, whatever its names stand for by then', async () => {
    const registry = await startTestRegistry()
    const [first, second] = [`${registry.host}/first:1`, `${registry.host}/second:1`]
    const mine = writeContext(coracle.directory, { Dockerfile: `${FROM}RUN echo mine > /whose\n` })
    const theirs = writeContext(coracle.directory, { Dockerfile: `${FROM}RUN echo theirs > /whose\n` })
    const build = (...args: string[]) => spawned(coracle, ['build', '-q', '--network', 'none', ...args])
    let between: Promise<Outcome> | undefined
    registry.hook = async () => {
      between ??= build('-t', second, '-t', first, theirs)
      await between
    }
    for (const more of [[], ['--provenance=false']]) {
      between = undefined
      const { status, stdout, stderr } = await build('--push', ...more, '-t', first, '-t', second, mine)
      assert.equal(status, 0, stderr)
      const other = await (between as Promise<Outcome> | undefined)
      assert.equal(coracle.output('image', 'inspect', '-f', '{{.Id}}', second), other?.stdout.trim())
      for (const name of [first, second])
        assert.equal(
          (await spawned(coracle, ['image', 'inspect', '--remote', '-f', '{{.Id}}', name])).stdout,
          stdout,
          name,
        )
    }
  })

  it('asks for a newer base with --pull, and is content with the one that is here without', async () => {
    const registry = await startTestRegistry()
    const base = `${registry.host}/base:1`
    const publish = async (text: string) => {
      const root = writeContext(coracle.directory, { Dockerfile: `FROM scratch\nCOPY f /\n`, f: text })
      const { status, stderr } = await spawned(coracle, ['build', '-q', '--push', '-t', base, root])
      assert.equal(status, 0, stderr)
      await spawned(coracle, ['rmi', base])
    }
    const root = writeContext(coracle.directory, { Dockerfile: `FROM ${base}\nCOPY --from=${base} f /again\n` })
    const out = join(coracle.directory, 'pulled')
    const built = async (...args: string[]) => {
      const { status, stderr } = await spawned(coracle, ['build', '-o', out, ...args, root])
      assert.equal(status, 0, stderr)
      return ['f', 'again'].map((name) => readFileSync(join(out, name), 'utf8'))
    }
    await publish('old')
    assert.equal((await spawned(coracle, ['pull', '-q', base])).status, 0)
    const elsewhere = openCoracle()
    try {
      const newer = writeContext(coracle.directory, { Dockerfile: `FROM scratch\nCOPY f /\n`, f: 'new' })
      assert.equal((await spawned(elsewhere, ['build', '-q', '--push', '-t', base, newer])).status, 0)
    } finally {
      elsewhere.close()
    }
    registry.requests.length = 0
    assert.deepEqual(await built(), ['old', 'old'])
    assert.deepEqual(registry.requests, [])
    assert.deepEqual(await built('--pull'), ['new', 'new'])
    assert.deepEqual(await built(), ['new', 'new'])
  })

  it('stays within a terminal whose size changes', function () {
    if (spawnSync('python3', ['-c', 'import pty']).status !== 0) {
      console.log('skipped: the tests of terminals need python3')
      this.skip()
    }
    const pty = join(import.meta.dirname, '../support/on-terminal.py')
    const long = `begin${'x'.repeat(200)}`
    const root = writeContext(coracle.directory, {
      Dockerfile: `${FROM}RUN seq 30; echo ${long}; while true; do sleep 1; done\n`,
    })
    // A line of output has 9 columns before it, and the last one stays free.
    const narrow = `begin${'x'.repeat(39 - 9 - 5)}\r\n`
    const steps = [
      [`begin${'x'.repeat(100 - 9 - 5)}\r\n`, { size: [8, 40] }],
      [narrow, { size: [8, 40] }],
      [narrow, '\x03'],
    ]
    const command = [pty, JSON.stringify(steps), join(packageRoot, 'bin/coracle'), 'build', '--network', 'none', root]
    const { status, stdout } = spawnSync('python3', command, { env: coracle.env, encoding: 'utf8' })
    assert.equal(status, 130, stdout)
    const frames = stdout.slice(0, stdout.lastIndexOf(narrow)).split('\x1b[J')
    const last = (frames.at(-1) ?? '').split('\r\n').map((line) =>
      line
        .split('\x1b')
        .map((part) => part.replace(/^\[\d*[AJK]/, ''))
        .join(''),
    )
    assert.ok(last.length <= 7, stdout)
    assert.ok(
      last.every((line) => line.length < 40),
      stdout,
    )
    assert.match(stdout, /\[terminal restored\]$/)
  })
})

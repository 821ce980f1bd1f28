import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { writeContext } from '../support/build-context.ts'
import { type Builder, useBuilder } from '../support/built.ts'
import { type Coracle, eventually, IMAGE, type Outcome, spawned } from '../support/coracle.ts'
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
})

/** Waiting for several things at once: it stands still until one of them comes, whichever it is. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { before, describe, it } from 'mocha'
import { packageRoot } from '../../../src/package-root.ts'
import type { WasiJob } from '../../../src/sandbox/job.ts'
import { freePort } from '../../support/free-port.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'
import { moduleFromC } from '../../support/wasm.ts'

const RUNNER = join(packageRoot, 'src/sandbox/runner.entry.ts')
/** Through a pipe, as in a container: what Node gives a child is a socket. */
const PIPED = 'cat | sh -c \'echo $$ >&2; exec "$@"\' sh "$@"'

/** Tells which of input (i) and socket (s) is ready, or that time is up (t), reads what there is, and ends with the input. */
const PROGRAM = `
  #include <poll.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <sys/socket.h>
  #include <unistd.h>
  static char buffer[4096];
  int main(int argc, char **argv) {
    struct pollfd all[2] = {{0, POLLIN, 0}, {3, POLLIN, 0}};
    long total = 0;
    printf("ready\\n");
    fflush(stdout);
    for (;;) {
      int ready = poll(all, (nfds_t)atoi(argv[1]), atoi(argv[2]));
      if (ready == 0) printf("t\\n");
      if (all[1].revents) close(accept(3, NULL, NULL)), printf("s\\n");
      if (all[0].revents) {
        ssize_t size = read(0, buffer, sizeof buffer);
        if (size <= 0) break;
        for (ssize_t i = 0; i < size; i++) total = (total * 31 + buffer[i]) % 1000003;
        printf("i\\n");
      }
      fflush(stdout);
      all[0].revents = all[1].revents = 0;
    }
    printf("%ld\\n", total);
    return 0;
  }`

function digestOf(sent: Buffer): number {
  return sent.reduce((total, byte) => (total * 31 + byte) % 1_000_003, 0)
}

interface Running {
  readonly child: ChildProcess & { readonly stdin: NodeJS.WritableStream }
  readonly pid: number
  /** All that it has printed. */
  seen(): string
}

describe('poll_oneoff', () => {
  let module: Buffer
  before(async () => {
    module = await moduleFromC(PROGRAM)
  })

  async function start(args: readonly string[], listens: readonly number[] = []): Promise<Running> {
    const scratch = await scratchDirectory()
    const [image, path] = [join(scratch, 'image'), join(scratch, 'job.json')]
    mkdirSync(image)
    writeFileSync(join(image, 'app.wasm'), module)
    const job: WasiJob = { root: image, layers: [], args: ['/app.wasm', ...args], env: [], cwd: '/', listens }
    writeFileSync(path, JSON.stringify(job))
    const command = [process.execPath, '--no-warnings', RUNNER, path]
    const child = spawn('sh', ['-c', PIPED, 'sh', ...command], { stdio: 'pipe' })
    const [first] = (await once(child.stderr, 'data')) as [Buffer]
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    await until('it is ready', () => output.startsWith('ready\n'))
    return { child, pid: Number(first), seen: () => output.slice('ready\n'.length) }
  }

  /** Its first thread, the module's, is not woken any more. */
  async function untilStill({ pid }: Running): Promise<void> {
    const wakes = () => /^voluntary_ctxt_switches:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    let [last, same] = [wakes(), 0]
    await until('it stands still', () => {
      const now = wakes()
      same = now === last ? same + 1 : 0
      last = now
      return same === 8 // looks 25 ms apart: whoever looks again by itself does so every 10
    })
  }

  const ended = async ({ child, seen }: Running) => {
    const [status] = (await once(child, 'close')) as [number]
    return { status, lines: seen().trim().split('\n') }
  }

  it('stands still until there is input, however long it may take, and loses none of it', async () => {
    const running = await start(['1', '60000'])
    await untilStill(running)
    const sent = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 101))
    running.child.stdin.write(sent.subarray(0, 1))
    await until('it has seen the first byte', () => running.seen() === 'i\n')
    running.child.stdin.end(sent.subarray(1))
    const { status, lines } = await ended(running)
    assert.equal(status, 0)
    assert.equal(lines.at(-1), String(digestOf(sent)))
  })

  it('goes on at the end of the input', async () => {
    const running = await start(['1', '60000'])
    await untilStill(running)
    running.child.stdin.end()
    assert.deepEqual(await ended(running), { status: 0, lines: ['0'] })
  })

  it('goes on when time is up, again and again', async () => {
    const running = await start(['1', '300'])
    await until('three times were up', () => running.seen().startsWith('t\nt\nt\n'))
    running.child.stdin.end()
    assert.equal((await ended(running)).status, 0)
  })

  it('stands still until input or a connection comes', async () => {
    const port = await freePort()
    const running = await start(['2', '-1'], [port])
    await untilStill(running)
    await text(connect({ port, host: '127.0.0.1' }))
    await until('it has seen the connection', () => running.seen() === 's\n')
    await untilStill(running)
    running.child.stdin.write('a')
    await until('it has seen the input', () => running.seen() === 's\ni\n')
    await untilStill(running)
    await text(connect({ port, host: '127.0.0.1' }))
    await until('it has seen the next connection', () => running.seen() === 's\ni\ns\n')
    running.child.stdin.end()
    assert.deepEqual(await ended(running), { status: 0, lines: ['s', 'i', 's', '97'] })
  })

  it('starts a thread for what does not come soon, and none before', async () => {
    const running = await start(['1', '60000'])
    const threads = () => readdirSync(`/proc/${running.pid}/task`).length
    running.child.stdin.write('a')
    await until('it has seen the byte', () => running.seen() === 'i\n')
    const before = threads()
    await untilStill(running)
    assert(threads() > before)
    running.child.stdin.end()
    assert.deepEqual(await ended(running), { status: 0, lines: ['i', '97'] })
  })
})

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it } from 'mocha'
import { readExitRecord } from '../../src/linux/exit-record.ts'
import type { SuperviseOptions } from '../../src/linux/supervisor.ts'
import { attachSupervisor } from '../../src/linux/supervisor-client.ts'
import { isAlive } from '../../src/util/process-identity.ts'
import {
  describeNative,
  eventually,
  makeScratch,
  optionsFor,
  planFor,
  readAll,
  readStreams,
  runPlan,
  shell,
  startContainer,
  unframe,
} from '../support/native.ts'

const ALL = { stdin: true, stdout: true, stderr: true }
const WITH_INPUT = { openStdin: true, stdinOnce: true }

interface Entry {
  readonly log: string
  readonly stream: 'stdout' | 'stderr'
  readonly time: string
}

function entriesOf(path: string): Entry[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  assert.equal(lines.pop(), '')
  return lines.map((line) => JSON.parse(line) as Entry)
}

describeNative('the streams of a supervisor', (native) => {
  async function prepare(script: string, more: Partial<SuperviseOptions> = {}) {
    const scratch = await makeScratch()
    const log = { path: join(scratch.directory, 'log'), maxSizeBytes: 0, maxFiles: 1 }
    const options = optionsFor(scratch, planFor(scratch, { exec: shell(script) }), { native: native(), log, ...more })
    return { options, log: log.path }
  }

  describe('the log', () => {
    it('is docker’s json-file, to the byte', async () => {
      const { options, log } = await prepare(
        `printf 'tab\\t<&>"\\\\ \\033[1m\\r\\n\\303\\251\\342\\200\\250 \\377\\n'; printf err >&2`,
      )
      await runPlan(options)
      const text = readFileSync(log, 'utf8')
      assert.match(
        text,
        /^\{"log":"tab\\u0009\\u003c\\u0026\\u003e\\"\\\\ \\u001b\[1m\\r\\n","stream":"stdout","time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z"\}$/m,
      )
      assert.match(text, /^\{"log":"é\\u2028 \\ufffd\\n","stream":"stdout"/m)
      assert.match(text, /^\{"log":"err","stream":"stderr"/m)
    })

    it('splits lines where docker does: after 16 KiB', async () => {
      const { options, log } = await prepare(
        'head -c 40000 /dev/zero | tr "\\0" x; echo; head -c 16383 /dev/zero | tr "\\0" y; echo',
      )
      await runPlan(options)
      assert.deepEqual(
        entriesOf(log).map((entry) => entry.log.length),
        [16384, 16384, 7233, 16384],
      )
    })

    it('is rotated at its size, and keeps as many files as it may', async () => {
      const { options, log } = await prepare('i=0; while test $i -lt 300; do echo "line $i"; i=$((i+1)); done')
      await runPlan({ ...options, log: { path: log, maxSizeBytes: 4096, maxFiles: 3 } })

      const files = [log, `${log}.1`, `${log}.2`]
      for (const file of files) assert(statSync(file).size <= 4096)
      assert(!existsSync(`${log}.3`))
      const kept = files
        .toReversed()
        .flatMap(entriesOf)
        .map((entry) => entry.log)
      assert.deepEqual(kept, Array.from({ length: 300 }, (_, n) => `line ${n}\n`).slice(-kept.length))
    })

    it('starts over when it may be one file only', async () => {
      const { options, log } = await prepare('i=0; while test $i -lt 100; do echo "line $i"; i=$((i+1)); done')
      await runPlan({ ...options, log: { path: log, maxSizeBytes: 4096, maxFiles: 1 } })
      assert(statSync(log).size <= 4096 && !existsSync(`${log}.1`))
      assert.equal(entriesOf(log).at(-1)?.log, 'line 99\n')
    })

    it('goes on after an earlier run', async () => {
      const { options, log } = await prepare('echo once')
      await runPlan(options)
      await runPlan({ ...options, plan: (await prepare('echo twice')).options.plan })
      assert.deepEqual(
        entriesOf(log).map((entry) => entry.log),
        ['once\n', 'twice\n'],
      )
    })
  })

  it('lose nothing of 100 MB written as fast as it goes, to nobody’s harm', async () => {
    const { options, log } = await prepare('yes 0123456789012345678901234567890123456789 | head -c 104857600', {})
    const supervisor = await startContainer(options)
    const { stdout } = await readStreams(supervisor)
    await supervisor.wait()

    const expected = Buffer.alloc(104_857_600, '0123456789012345678901234567890123456789\n')
    assert(stdout.equals(expected))
    const logged = createHash('sha256')
    for (const line of readFileSync(log, 'utf8').split('\n')) {
      if (line !== '') logged.update((JSON.parse(line) as Entry).log)
    }
    assert.equal(logged.digest('hex'), createHash('sha256').update(expected).digest('hex'))
  })

  describe('input', () => {
    it('reaches the container, and so does its end', async () => {
      const { options } = await prepare('cat; echo done', WITH_INPUT)
      const supervisor = await startContainer(options)
      supervisor.stdio.end('some input\n')
      assert.equal((await readStreams(supervisor)).stdout.toString(), 'some input\ndone\n')
    })

    it('is not there unless asked for', async () => {
      const { options } = await prepare('cat; echo done')
      assert.equal((await runPlan(options)).stdout, 'done\n')
    })

    it('comes through whole when there is much of it', async () => {
      const { options } = await prepare('sleep 0.1; sha256sum', WITH_INPUT)
      const supervisor = await startContainer(options)
      const data = Buffer.alloc(5 << 20, 'all of this')
      supervisor.stdio.end(data)
      const { stdout } = await readStreams(supervisor)
      assert(stdout.toString().startsWith(createHash('sha256').update(data).digest('hex')))
    })

    it('that the container does not take stops neither its output nor its end', async () => {
      const { options } = await prepare('head -c 5000000 /dev/zero; exit 3', WITH_INPUT)
      const supervisor = await startContainer(options)
      supervisor.stdio.on('error', () => {}) // it ends before it has taken all
      supervisor.stdio.write(Buffer.alloc(1 << 20))
      assert.equal((await readStreams(supervisor)).stdout.length, 5_000_000)
      assert.equal((await supervisor.wait()).status, 3)
    })

    it('stays open after a client that ended it, unless it is for one only', async () => {
      const { options } = await prepare('cat', { openStdin: true, stdinOnce: false })
      const supervisor = await startContainer(options)
      supervisor.stdio.end('first ')
      const second = await attachSupervisor(options.runDirectory, ALL)
      assert(second && !second.raw)
      second.stdio.write('second')
      await untilRead(supervisor.stdio, 'second')
      await supervisor.signal(9)
    })
  })

  describe('attached clients', () => {
    it('all get what is written from then on', async () => {
      const { options } = await prepare('read x; echo "got $x"; echo err >&2', WITH_INPUT)
      const supervisor = await startContainer(options)
      const outputOnly = await attachSupervisor(options.runDirectory, { ...ALL, stdin: false, stderr: false })
      const errorsOnly = await attachSupervisor(options.runDirectory, { ...ALL, stdin: false, stdout: false })
      assert(outputOnly && errorsOnly)
      const both = Promise.all([readAll(outputOnly.stdio), readAll(errorsOnly.stdio)])
      supervisor.stdio.resume().write('it\n')

      const [output, errors] = (await both).map(unframe)

      assert.deepEqual([output?.stdout.toString(), output?.stderr.length], ['got it\n', 0])
      assert.deepEqual([errors?.stderr.toString(), errors?.stdout.length], ['err\n', 0])
      outputOnly.stdio.destroy()
      errorsOnly.stdio.destroy()
      await supervisor.wait()
    })

    it('may be slow, or stopped: the others and the log do not wait', async () => {
      const { options, log } = await prepare(
        'read x; yes 0123456789012345678901234567890123456789 | head -c 20000000; exit 2',
        WITH_INPUT,
      )
      const supervisor = await startContainer(options)
      const slow = await attachSupervisor(options.runDirectory, ALL) // reads nothing, ever
      assert(slow)
      slow.stdio.pause()
      supervisor.stdio.write('go\n')
      assert.equal((await readStreams(supervisor)).stdout.length, 20_000_000)
      assert.equal((await supervisor.wait()).status, 2)
      assert(statSync(log).size > 20_000_000)
      slow.stdio.destroy()
    })
  })

  it('wait for the command that started the container while it does not read', async () => {
    const { options, log } = await prepare('yes; exit 1')
    const supervisor = await startContainer(options)
    supervisor.stdio.pause()
    const size = () => statSync(log).size
    await eventually('the container waits', pausedFor(size))
    const before = size()
    await sleep(50)
    assert.equal(size(), before)
    await supervisor.signal(9)
    await once(supervisor.stdio.resume(), 'end')
    assert.equal((await supervisor.wait()).signal, 9)
  })

  it('that the command does not read keep nobody from learning of the end, and are there when it does', async () => {
    const { options, log } = await prepare('yes & yes >&2')
    const supervisor = await startContainer(options)
    supervisor.stdio.pause()
    await eventually(
      'the container waits',
      pausedFor(() => statSync(log).size),
    )
    await supervisor.signal(9)
    assert.equal((await supervisor.wait()).signal, 9)
    assert.equal(readExitRecord(options.stateDirectory)?.signal, 9)
    assert(!existsSync(join(options.runDirectory, 'supervisor.sock')), 'the next one may come')
    const { stdout, stderr } = await readStreams(supervisor)
    assert.equal(
      stdout.length + stderr.length,
      entriesOf(log).reduce((sum, { log: line }) => sum + line.length, 0),
    )
  })

  it('come whole to a command that reads them long after the end, however much a pipe holds', async () => {
    const { options } = await prepare('read go; head -c 1000000 /dev/zero', WITH_INPUT)
    const supervisor = await startContainer(options)
    const { pid } = supervisor.container
    const enlarge = `import fcntl, os; fcntl.fcntl(os.open('/proc/${pid}/fd/1', os.O_WRONLY), 1031, 1 << 20)`
    execFileSync('python3', ['-c', enlarge])
    supervisor.stdio.pause().write('go\n')
    await eventually('the container has ended', () => !isAlive(supervisor.container))
    await sleep(2100) // more than a supervisor gives those that outlive the first process
    assert.equal((await readStreams(supervisor)).stdout.length, 1_000_000)
  })

  it('of a supervisor fit into a megabyte, and into half of it while nothing comes', async function () {
    if (native().env !== undefined) this.skip() // sanitizers take what they need
    const { options } = await prepare(
      'yes | head -c 300000; sleep 0.1; echo END; read go; echo AGAIN; sleep 1000',
      WITH_INPUT,
    )
    const supervisor = await startContainer(options)
    const rssKiB = () => {
      const rollup = readFileSync(`/proc/${supervisor.supervisor.pid}/smaps_rollup`, 'utf8')
      return Number(/^Rss:\s+(\d+)/m.exec(rollup)?.[1])
    }
    await untilRead(supervisor.stdio, 'END\n')
    const busy = rssKiB()
    assert(busy > 0 && busy <= 1024, `${busy} KiB`)
    await eventually('the supervisor rests', () => rssKiB() <= 512)
    supervisor.stdio.write('go\n')
    await untilRead(supervisor.stdio, 'AGAIN\n')
  })
})

/** Reads until `text` was among it. */
async function untilRead(stream: Readable, text: string): Promise<void> {
  let read = ''
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    read = (read + (chunk as Buffer).toString('latin1')).slice(-1000)
    if (read.includes(text)) return
  }
  assert.fail(`the stream ended before ${JSON.stringify(text)}`)
}

/** Whether the number was the same ten times running. */
function pausedFor(size: () => number): () => boolean {
  let last = -1
  let same = 0
  return () => {
    const now = size()
    same = now === last && now > 0 ? same + 1 : 0
    last = now
    return same >= 10
  }
}

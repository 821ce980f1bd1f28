import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { WireWriter } from '../../src/linux/wire-writer.ts'
import { nativeProgram, packageRoot } from '../../src/package-root.ts'
import { needsSanitizers } from '../support/native.ts'
import { needsRoot } from '../support/needs-root.ts'
import { scratchDirectory } from '../support/scratch.ts'
import { until } from '../support/until.ts'

const child = join(packageRoot, 'test/support/beside-child.ts')
/** As many as wait. */
const JOBS = 12

interface Seen {
  readonly names: readonly (readonly string[])[]
  readonly digest: string
  readonly sums: readonly string[]
  readonly unsummed: string
  readonly aborted: readonly string[]
  readonly applied: boolean
  readonly failure: string
  readonly started: number
  readonly variable: string | null
}

async function directories() {
  const scratch = await scratchDirectory('coracle-beside-')
  const [source, target] = [join(scratch, 'source'), join(scratch, 'target')]
  mkdirSync(source)
  mkdirSync(target)
  writeFileSync(join(source, 'file'), 'content')
  return { source, target }
}

function see(program: readonly [string, ...string[]], words: readonly string[]): Seen {
  const [first, ...rest] = program
  const { stdout, stderr } = spawnSync(first, [...rest, process.execPath, child, ...words], { encoding: 'utf8' })
  assert.equal(stderr.replace(/^.*ExperimentalWarning.*\n.*--trace-warnings.*\n/m, ''), '')
  return JSON.parse(stdout) as Seen
}

function isThere(pid: string): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}

describe('jobs that wait beside a program', () => {
  it('leave the program in its place with its words, its status and two pipes for each', () => {
    const script = 'echo "$0 $1"; for fd in $CORACLE_JOBS; do readlink /proc/self/fd/$fd; done; exit 7'
    const argv = ['beside', '/bin/sh', '-c', script, 'zero', 'one']
    const { status, stdout } = spawnSync(nativeProgram, argv, { encoding: 'utf8' })
    assert.equal(status, 7)
    assert.match(stdout, new RegExp(`^zero one\n(?:pipe:\\[\\d+\\]\n){${2 * JOBS}}$`))
  })

  it('read and write directories without a process started by the program', async () => {
    const { source, target } = await directories()
    const seen = see([nativeProgram, 'beside'], [source, target])
    assert.deepEqual(seen.names, [['', 'file']])
    assert.match(seen.digest, /^[0-9a-f]{64}$/)
    assert.equal(seen.applied, true)
    for (const sum of seen.sums) assert.match(sum, /^[0-9a-f]{64}$/)
    assert.match(seen.unsummed, /missing.*no such file or directory/i)
    assert.deepEqual(seen.aborted, ['late', 'early'])
    assert.equal(readFileSync(join(target, 'copy'), 'utf8'), 'text')
    assert.match(seen.failure, /missing.*no such file or directory/i)
    assert.equal(seen.started, 0)
    assert.equal(seen.variable, null, 'what the program starts hears nothing of them')
    const alone = see(['/usr/bin/env'], [source, target])
    assert.deepEqual({ ...alone, started: 0 }, seen, 'as without them')
    assert.equal(alone.started, 8)
  })

  it('are all used at once, and followed by processes of their own', async () => {
    const { source, target } = await directories()
    const walks = JOBS + 5
    const { names, started } = see([nativeProgram, 'beside'], [source, target, String(walks)])
    assert.deepEqual(names, Array(walks).fill(['', 'file']))
    assert.equal(started, 5 + 7)
  })

  it('do the same, watched by sanitizers', async function () {
    needsRoot(this)
    needsSanitizers(this)
    const { source, target } = await directories()
    const seen = see([`${nativeProgram}-asan`, 'beside'], [source, target, '3'])
    assert.deepEqual([seen.applied, seen.started], [true, 0])
  })

  for (const [what, words] of [
    ['no words', Buffer.from([0, 0, 0, 0])],
    ['words without end', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['a job that is none of theirs', encoded(['coracle-native', 'supervise', '/'])],
    ['a list that is longer than it is', Buffer.from([4, 0, 0, 0, 9, 0, 0, 0])],
  ] as const)
    it(`end at once for ${what}`, () => {
      const script = 'set -- $CORACLE_JOBS; cat >/proc/self/fd/$1; eval "exec $1>&-"; cat <&$2'
      const result = spawnSync(nativeProgram, ['beside', '/bin/bash', '-c', script], { input: words, timeout: 10_000 })
      assert.deepEqual([result.status, result.stdout.toString()], [0, ''])
    })

  it('end with the program, a job under way too', async () => {
    const { source } = await directories()
    const bytes = encoded(['coracle-native', 'archive', source])
    const script = 'set -- $CORACLE_JOBS; cat >/proc/self/fd/$1; echo written; sleep 100'
    const program = spawn(nativeProgram, ['beside', '/bin/bash', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] })
    program.stdin.end(bytes)
    await once(program.stdout, 'data')
    const [waiting = ''] = childrenOf(String(program.pid), /beside/)
    await until('the job is under way', () => childrenOf(waiting, /./).length === 1)
    const [job = ''] = childrenOf(waiting, /./)
    const others = childrenOf(String(program.pid), /sleep/)
    program.kill('SIGKILL')
    await once(program, 'exit')
    for (const pid of others) process.kill(Number(pid), 'SIGKILL')
    await until('both have ended', () => !isThere(waiting) && !isThere(job))
  })
})

function childrenOf(parent: string, words: RegExp): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      if (!/^\d+$/.test(name) || readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ')[1] !== parent)
        return false
      return words.test(readFileSync(`/proc/${name}/cmdline`, 'utf8'))
    } catch {
      return false // it has just ended
    }
  })
}

function encoded(words: readonly string[]): Buffer {
  const list = new WireWriter().strings(words).finish()
  return Buffer.concat([new WireWriter().u32(list.length).finish(), list])
}

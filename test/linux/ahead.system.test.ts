import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { nativeProgram } from '../../src/package-root.ts'
import { needsRoot } from '../support/needs-root.ts'
import { scratchDirectory } from '../support/scratch.ts'
import { until } from '../support/until.ts'

/** Children of a process, by pid. */
function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1] === String(parent)
      } catch {
        return false // it has just ended
      }
    })
}

const isThere = (pid: number) => {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}

describe('a supervisor that is started ahead', () => {
  it('leaves the program in its place with its words, its status and three sockets', () => {
    const script = 'echo "$0 $1"; for fd in $CORACLE_SUPERVISOR; do readlink /proc/self/fd/$fd; done; exit 7'
    const { status, stdout } = spawnSync(nativeProgram, ['ahead', '/bin/sh', '-c', script, 'zero', 'one'], {
      encoding: 'utf8',
    })
    assert.equal(status, 7)
    assert.match(stdout, /^zero one\n(?:socket:\[\d+\]\n){3}$/)
  })

  it('says which program it cannot become', () => {
    const { status, stderr } = spawnSync(nativeProgram, ['ahead', '/no/such/program'], { encoding: 'utf8' })
    assert.equal(status, 127)
    assert.match(stderr, /^coracle: \/no\/such\/program: No such file or directory\n/)
  })

  it('starts a runner ahead for words that run a module, if one has been kept', async function () {
    needsRoot(this)
    const root = await scratchDirectory('coracle-ahead-')
    mkdirSync(join(root, 'cache/runner'), { recursive: true })
    writeFileSync(join(root, 'cache/runner/plan'), 'damaged: what is started here ends at once', { mode: 0o600 })
    writeFileSync(join(root, 'cache/runner/images'), 'registry.example/app:1\nother\n')
    const script = `read supervisor < /proc/$$/task/$$/children; words=/proc/$supervisor/cmdline
      until grep -qz '^supervise$' $words; do :; done; tr '\\0' '\\n' < $words | tail -n +4`
    const startedFor = (words: string) => {
      const argv = ['ahead', '/bin/sh', '-c', script, ...words.split(' ')]
      return spawnSync(nativeProgram, argv, {
        encoding: 'utf8',
        env: { ...process.env, CORACLE_ROOT: root },
      }).stdout.trim()
    }
    const expected: Readonly<Record<string, string>> = {
      'run a.wasm': 'early',
      'run --rm -d --name x ./a.wasm b': 'early',
      'run --name=x -eA=1 -v /a:/b -dq --env B=2 -- a.wasm': 'early',
      'run -i a.wasm': 'early-stdin',
      'run --rm registry.example/app:1 b': 'early',
      'run other': 'early',
      'run registry.example/app': '',
      'run the': '',
      'run --interactive -di a.wasm': 'early-stdin',
      'run -it a.wasm': '',
      'run --memory 1g a.wasm': '',
      'run -p 80:80 a.wasm': '',
      'run busybox a.wasm': '',
      'run --name a.wasm busybox': '',
      'run -- busybox a.wasm': '',
      'run --name': '',
      'exec a.wasm': '',
      run: '',
    }
    const seen = Object.fromEntries(Object.keys(expected).map((words) => [words, startedFor(words)]))
    assert.deepEqual(seen, expected)
  })

  it('has a session, an environment and streams of its own, and ends with a program that does not use it', async () => {
    const program = spawn(nativeProgram, ['ahead', '/bin/sh', '-c', 'echo ready; read line'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    await once(program.stdout, 'data')
    let [supervisor = 0] = childrenOf(program.pid ?? 0)
    await until('it waits', () => {
      ;[supervisor = 0] = childrenOf(program.pid ?? 0)
      return readFileSync(`/proc/${supervisor}/cmdline`, 'utf8').includes('\0supervise\0')
    })
    const fields = readFileSync(`/proc/${supervisor}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    assert.equal(fields[3], String(supervisor), 'it leads its session')
    assert.equal(readFileSync(`/proc/${supervisor}/environ`, 'utf8'), '')
    program.kill('SIGKILL')
    await once(program, 'exit')
    await until('it has ended', () => !isThere(supervisor))
  })
})

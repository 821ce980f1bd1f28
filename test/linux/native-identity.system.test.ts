import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'mocha'
import type { ChildStep } from '../../src/linux/plan.ts'
import { compileSeccomp } from '../../src/linux/seccomp/compile.ts'
import { nativeProgram } from '../../src/package-root.ts'
import {
  describeNative,
  eventually,
  makeScratch,
  optionsFor,
  type PlanParts,
  planFor,
  runPlan,
  shell,
  startContainer,
} from '../support/native.ts'
import { needsRoot } from '../support/needs-root.ts'

const CHOWN = 0
const NET_BIND = 10
const SYS_TIME = 25

function bits(...capabilities: number[]): bigint {
  return capabilities.reduce((set, bit) => set | (1n << BigInt(bit)), 0n)
}

function user(uid: number, gid: number, groups: number[] = []): ChildStep {
  return { do: 'user', uid, gid, groups }
}

function capabilities(sets: Partial<Omit<Extract<ChildStep, { do: 'capabilities' }>, 'do'>>): ChildStep {
  const none = { bounding: 0n, effective: 0n, permitted: 0n, inheritable: 0n, ambient: 0n }
  return { do: 'capabilities', ...none, ...sets }
}

const STATUS = shell('grep -E "^(Uid|Gid|Groups|Cap|NoNew|Seccomp):?" /proc/self/status')

describeNative('the identity of a process', (native) => {
  async function run(parts: PlanParts) {
    const scratch = await makeScratch()
    return runPlan(optionsFor(scratch, planFor(scratch, parts), { native: native() }))
  }

  /** Fields of /proc/self/status. */
  async function status(...inside: ChildStep[]): Promise<Record<string, string>> {
    const { stdout } = await run({ inside, exec: STATUS })
    return Object.fromEntries(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.replaceAll(/\s+/g, ' ').trim().split(/: ?/, 2)),
    )
  }

  const set = (...names: number[]) =>
    bits(...names)
      .toString(16)
      .padStart(16, '0')

  it('is the user, the group and the groups asked for', async () => {
    const found = await status(user(33, 44, [55, 66]), capabilities({}))
    assert.deepEqual([found['Uid'], found['Gid'], found['Groups']], ['33 33 33 33', '44 44 44 44', '55 66'])
  })

  it('keeps no capability, nor a way to get one, when none is given', async () => {
    const found = await status(user(0, 0), capabilities({}))
    for (const name of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) assert.equal(found[name], set())
  })

  it('has, as root, what the sets say', async () => {
    const some = bits(CHOWN, NET_BIND)
    const found = await status(user(0, 0), capabilities({ bounding: some, effective: some, permitted: some }))
    assert.deepEqual([found['CapEff'], found['CapBnd']], [set(CHOWN, NET_BIND), set(CHOWN, NET_BIND)])
  })

  it('has, as another user, what is ambient and no more', async () => {
    const all = bits(CHOWN, NET_BIND, SYS_TIME)
    const sets = { bounding: all, effective: all, permitted: all, inheritable: all, ambient: bits(NET_BIND) }
    const found = await status(user(1000, 1000), capabilities(sets))
    assert.deepEqual([found['CapEff'], found['CapPrm'], found['CapAmb']], [set(NET_BIND), set(NET_BIND), set(NET_BIND)])
  })

  it('gains nothing by exec with no-new-privileges', async () => {
    const found = await status({ do: 'no-new-privileges' })
    assert.equal(found['NoNewPrivs'], '1')
  })

  it('is filtered by the seccomp program, which comes last', async () => {
    const refused = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' as const }
    const { program, flags } = compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [refused] })
    const filter: ChildStep = { do: 'seccomp', program, flags }
    const { stdout, stderr } = await run({
      inside: [user(1000, 1000), capabilities({}), { do: 'no-new-privileges' }, filter],
      exec: shell('grep ^Seccomp: /proc/self/status; mkdir /tmp/x'),
    })
    assert.match(stdout, /Seccomp:\s+2/)
    assert.match(stderr, /Operation not permitted/)
  })

  it('may be the last program, where a filter allows only the one that was held', async () => {
    const held = (descriptor: number): ChildStep => ({ do: 'hold-program', file: '/bin/busybox', descriptor })
    const allowed = {
      names: ['execveat'],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, value: 300, op: 'SCMP_CMP_EQ' }],
    }
    const refused = { names: ['execve'], action: 'SCMP_ACT_ERRNO' as const }
    const { program, flags } = compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [allowed, refused] })
    const exec = (script: string): ChildStep => ({ ...shell(script), file: '/bin/busybox' }) as ChildStep
    const inside: ChildStep[] = [held(300), { do: 'no-new-privileges' }, { do: 'seccomp', program, flags }]
    const { stdout, stderr } = await run({
      inside,
      exec: exec('ulimit -Hn; echo /proc/self/fd/*; /bin/busybox true; exec 300< /bin/busybox'),
    })
    assert.match(stdout, /^300\n(?:\/proc\/self\/fd\/\d\s?)+\n$/) // it is not held any more
    assert.match(stderr, /Operation not permitted|not permitted/)
    const { exit } = await run({ inside: [held(300)], exec: exec('exit 7') })
    assert.equal(exit.status, 7)
  })

  it('is refused when it cannot be held', async () => {
    const missing: ChildStep = { do: 'hold-program', file: '/bin/none', descriptor: 300 }
    await assert.rejects(run({ inside: [missing], exec: shell('true') }), /none/)
    const beyond: ChildStep = { do: 'hold-program', file: '/bin/busybox', descriptor: 2 ** 31 - 1 }
    await assert.rejects(run({ inside: [beyond], exec: shell('true') }), /dup3/)
  })

  it('may open /dev/stdout and /dev/stderr by name, whoever it is', async () => {
    const { stdout, stderr } = await run({
      inside: [user(1000, 1000)],
      exec: shell('echo out > /proc/self/fd/1; echo err > /proc/self/fd/2'),
    })
    assert.deepEqual([stdout, stderr], ['out\n', 'err\n'])
  })

  it('has the umask of docker, or the one asked for', async () => {
    const before = process.umask(0o077)
    try {
      assert.equal((await run({ exec: shell('umask') })).stdout, '0022\n')
      const own: ChildStep = { do: 'user', uid: 0, gid: 0, groups: [], umask: 0o027 }
      assert.equal((await run({ inside: [own], exec: shell('umask') })).stdout, '0027\n')
    } finally {
      process.umask(before)
    }
  })

  it('has the limits asked for; one that cannot be raised is clamped, aloud', async () => {
    const { stdout, warnings } = await run({
      inside: [
        { do: 'rlimit', resource: 'RLIMIT_NOFILE', soft: 123, hard: 456 },
        { do: 'rlimit', resource: 'RLIMIT_CORE', soft: 0, hard: 0 },
        user(1000, 1000),
        { do: 'rlimit', resource: 'RLIMIT_CORE', soft: -1, hard: -1 },
      ],
      exec: shell('ulimit -n; ulimit -Hn; ulimit -c'),
    })
    assert.equal(stdout, '123\n456\n0\n')
    assert.match(warnings.join(), /RLIMIT_CORE/)
  })

  it('dies with its supervisor, whatever user it is', async () => {
    const scratch = await makeScratch()
    const plan = planFor(scratch, { inside: [user(1000, 1000), capabilities({})], exec: shell('sleep 1000') })
    const supervisor = await startContainer(optionsFor(scratch, plan, { native: native() }))

    process.kill(supervisor.supervisor.pid, 'SIGKILL')

    await assert.rejects(supervisor.wait(), { code: 'SUPERVISOR_LOST' })
    await eventually('the container dies', () => isGone(supervisor.container.pid))
  })

  describe('with an init', () => {
    it('is a child of pid 1, which reaps orphans and ends as it ends', async () => {
      // Ends only when the orphan is gone, as a zombie too.
      const wait = 'while ps -o comm | grep -q "^sleep"; do :; done'
      const script = `echo $$; cat /proc/1/comm; (sleep 0.05 &); ${wait}; exit 9`
      const { stdout, exit } = await run({ inside: [{ do: 'init' }], exec: shell(script) })
      assert.equal(stdout, '2\ncoracle-init\n')
      assert.equal(exit.status, 9)
    })

    it('shows nothing of the host in its name', async () => {
      const { stdout } = await run({ inside: [{ do: 'init' }], exec: shell('tr "\\0" " " < /proc/1/cmdline') })
      assert.equal(stdout.trim(), 'coracle-init')
    })

    it('gets the signals meant for it, and its death by one is 128 + n', async () => {
      const scratch = await makeScratch()
      const plan = planFor(scratch, { inside: [{ do: 'init' }], exec: shell('sleep 1000') })
      const supervisor = await startContainer(optionsFor(scratch, plan, { native: native() }))

      await supervisor.signal(15)

      assert.equal((await supervisor.wait()).status, 143)
    })

    it('fails with 127 all the same when there is no program', async () => {
      const missing: ChildStep = { do: 'exec', file: 'no-such', argv: ['no-such'], env: [] }
      await assert.rejects(run({ inside: [{ do: 'init' }], exec: missing }), { exitCode: 127 })
    })
  })

  it('cannot overwrite the native program through /proc (CVE-2019-5736)', async () => {
    const scratch = await makeScratch()
    mkdirSync(join(scratch.upper, 'bin'))
    // The attack: an entry point that makes the launcher execute itself, and a library or a second process that writes.
    writeFileSync(join(scratch.upper, 'bin/attack'), '#!/proc/self/exe\n', { mode: 0o755 })
    const program = native().argv[0]
    const contents = readFileSync(program)
    const attack: ChildStep = { do: 'exec', file: '/bin/attack', argv: ['attack'], env: [] }
    await runPlan(optionsFor(scratch, planFor(scratch, { exec: attack }), { native: native() })).catch(() => {})

    const { stderr, exit } = await run({ inside: [{ do: 'init' }], exec: shell('echo broken >> /proc/1/exe') })

    assert.notEqual(exit.status, 0)
    assert.match(stderr, /Read-only|Text file busy|Operation not permitted/)
    assert(readFileSync(program).equals(contents))
  })
})

describe('an overlay on an older kernel', () => {
  before(function () {
    needsRoot(this)
    if (spawnSync('strace', ['-V']).status === 0) return
    console.log('skipped: strace is needed to play the older kernel')
    this.skip()
  })

  it('is mounted by the old call where layers cannot be given one by one', async () => {
    const scratch = await makeScratch()
    const plan = planFor(scratch, {
      exec: shell('echo content > /file; grep -o "^[^ ]* / overlay.*lowerdir=[^,]*" /proc/mounts'),
    })
    // The second fsconfig of the child is the first `lowerdir+`.
    const inject = [
      '-f',
      '-o',
      join(scratch.directory, 'trace'),
      '-e',
      'trace=fsconfig,mount',
      '-e',
      'inject=fsconfig:error=EINVAL:when=2',
    ]
    const { stdout, exit } = await runPlan(
      optionsFor(scratch, plan, { native: { argv: ['strace', ...inject, nativeProgram] } }),
    )
    assert.equal(exit.status, 0)
    assert.match(stdout, /^coracle \/ overlay.*lowerdir=\/proc\/self\/fd\//)
    assert.equal(readFileSync(join(scratch.upper, 'file'), 'utf8'), 'content\n')
  })

  it('takes directories whose names are longer than an option may be', async () => {
    const scratch = await makeScratch()
    const [propagation, overlay] = scratch.rootSteps
    const deep = join(scratch.directory, 'x'.repeat(200), 'y'.repeat(200))
    mkdirSync(join(deep, 'etc'), { recursive: true })
    assert(propagation && overlay?.do === 'root-overlay')
    const layered = { ...scratch, rootSteps: [propagation, { ...overlay, lower: [deep, ...overlay.lower] }] }
    writeFileSync(join(deep, 'etc/deep'), 'deep')
    assert.equal(
      (await runPlan(optionsFor(scratch, planFor(layered, { exec: shell('cat /etc/deep') })))).stdout,
      'deep',
    )
  })
})

function isGone(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return true
  }
}

/** What code that has got hold of the whole runner can still do: the runner's own plan, with a native program in place of Node. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { before, describe, it } from 'mocha'
import { openEarlyRunners } from '../../../src/engine/early-runners.ts'
import type { ChildStep, LaunchPlan } from '../../../src/linux/plan.ts'
import { compileSeccomp } from '../../../src/linux/seccomp/compile.ts'
import type { NamespaceType } from '../../../src/oci/runtime-spec.ts'
import { packageRoot } from '../../../src/package-root.ts'
import type { Bundle, ContainerId, IsolationBackend } from '../../../src/plugins/contract.ts'
import { createWasiBackend, type EarlyRunners } from '../../../src/sandbox/backend.ts'
import { bind, runPlan } from '../../support/native.ts'
import { needsRoot } from '../../support/needs-root.ts'
import { keptDirectory, scratchDirectory } from '../../support/scratch.ts'

const { EPERM, ENOENT, ENOSYS, EBADF, EINVAL, EROFS, EACCES, ETXTBSY } = constants.errno
const ISOLATED: readonly NamespaceType[] = ['mount', 'pid', 'network', 'ipc', 'uts']

async function makeBundle(network?: Bundle['network']): Promise<Bundle> {
  const directory = await scratchDirectory('coracle-walls-')
  const [upper, work, lower, runDirectory] = ['upper', 'work', 'lower', 'run'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
    string,
  ]
  for (const path of [upper, work, lower, runDirectory, join(directory, 'rootfs')]) mkdirSync(path)
  writeFileSync(join(lower, 'motd'), 'of the image')
  writeFileSync(join(directory, 'secret'), 'of the engine')
  return {
    id: '0'.repeat(64) as ContainerId,
    directory,
    runDirectory,
    spec: {
      ociVersion: '1.1.0',
      process: { args: ['/app.wasm'], cwd: '/', env: [], user: { uid: 0, gid: 0 } },
      linux: { namespaces: ISOLATED.map((type) => ({ type })) },
    },
    rootfs: { kind: 'layers', lower: [lower], upper, work },
    rootless: false,
    cgroup: { before: [], after: [] },
    init: false,
    ...(network !== undefined && { network }),
  }
}

/** The very plan, but for the program: a file more in its root, held and executed in place of Node. */
function inPlaceOfNode(plan: LaunchPlan, program: string, paths: readonly string[]): LaunchPlan {
  const file = '/escaped'
  const replaced = plan.child.map((step): ChildStep => {
    if (step.do === 'hold-program') return { ...step, file }
    return step.do === 'exec' ? { ...step, file, argv: [file, ...paths] } : step
  })
  const sealed = replaced.findLastIndex((step) => step.do === 'remount')
  assert(sealed > 0 && replaced.some((step) => step.do === 'hold-program'))
  return { ...plan, child: replaced.toSpliced(sealed, 0, bind(program, file, { flags: ['ro'] })) }
}

function openBackend(early?: EarlyRunners): IsolationBackend {
  return createWasiBackend({
    enclosed: true,
    idMapSteps: () => [],
    mountSteps: () => [],
    denySteps: () => [],
    compileFilter: async (spec) => compileSeccomp(spec),
    ...(early !== undefined && { early }),
  })
}

describe('the walls around the runner', () => {
  let program = ''
  before(async function () {
    needsRoot(this)
    program = join(await keptDirectory('coracle-escaped-'), 'escaped')
    execFileSync('gcc', ['-static', '-O1', '-o', program, join(packageRoot, 'test/support/escaped.c')])
  })

  async function breakOut(paths: (bundle: Bundle) => readonly string[] = () => [], network?: Bundle['network']) {
    const bundle = await makeBundle(network)
    return breakOutOf(bundle, inPlaceOfNode(await openBackend().plan(bundle), program, paths(bundle)))
  }

  async function breakOutOf(bundle: Bundle, plan: LaunchPlan) {
    const stateDirectory = join(bundle.directory, 'state')
    mkdirSync(stateDirectory)
    const { runDirectory } = bundle
    const { stdout, exit } = await runPlan({ plan, runDirectory, stateDirectory, openStdin: false, stdinOnce: false })
    assert.equal(exit.status, 0, stdout)
    const lines = stdout.trim().split('\n')
    return (name: string) => {
      const line = lines.find((text) => text.startsWith(`${name} `) || text.startsWith(`${name}:`))
      assert(line !== undefined, `${name} was not tried: ${stdout}`)
      return line.slice(name.length + 1).trim()
    }
  }

  const refused = (result: (name: string) => string, errors: Readonly<Record<string, number>>) => {
    const seen = Object.fromEntries(Object.keys(errors).map((name) => [name, Number(result(name))]))
    assert.deepEqual(seen, errors)
  }
  const all = (names: string, error: number) => Object.fromEntries(names.split(', ').map((name) => [name, error]))

  it('shows nothing of the host but what runs it, and the container’s own files', async () => {
    const other = await scratchDirectory('coracle-other-')
    writeFileSync(join(other, 'file'), 'of another container')
    const own: string[] = []
    const result = await breakOut(({ directory }) => {
      own.push('/.container/root/motd', '/.container/job', join(directory, 'secret'))
      return [
        '/etc/shadow',
        '/etc/passwd',
        '/root',
        '/proc/1/root/etc/shadow',
        '/proc/1/environ',
        '/proc/sys/kernel/core_pattern',
        '/proc/kcore',
        '/sys',
        join(other, 'file'),
        ...own,
      ]
    })
    const hidden = ['/etc/shadow', '/etc/passwd', '/root', '/proc/sys/kernel/core_pattern', '/proc/kcore', '/sys']
    for (const path of [...hidden, join(other, 'file')]) assert.equal(Number(result(`read ${path}`)), ENOENT, path)
    for (const path of ['/proc/1/root/etc/shadow', '/proc/1/environ'])
      assert.equal(Number(result(`read ${path}`)), EACCES, path)
    // The job is its own, and so are the container's files; what else is in the container's directory is not.
    assert.deepEqual(
      [...own].map((path) => Number(result(`read ${path}`))),
      [0, 0, ENOENT],
    )
    const top = new Set(result('list /').split(' '))
    assert(!['root', 'home', 'boot', 'var', 'bin', 'sbin', 'opt', 'srv'].some((name) => top.has(name)), [...top].join())
    assert.deepEqual(
      new Set(
        result('list /proc')
          .split(' ')
          .filter((name) => /^\d+$/.test(name)),
      ),
      new Set(['1', '2']),
    )
    assert.deepEqual(new Set(result('list /dev').split(' ')), new Set(['null', 'pts']))
    assert.equal(result('list /proc/self/fd').split(' ').length, 4) // streams, and the list itself
  })

  it('are the same around one that is started before its container is known, which then has no files at all', async () => {
    const kept: LaunchPlan[] = []
    const bundle = await makeBundle()
    const at = join(bundle.directory, 'small')
    const early = openEarlyRunners(at)
    const plan = await openBackend({
      smallRoot: early.smallRoot,
      keep: (one) => {
        kept.push(one)
        return early.keep(one)
      },
    }).plan(bundle)
    const [first] = kept
    assert(first !== undefined)
    const ungated = first.child.filter((step) => step.do !== 'gate')
    const names = (steps: readonly ChildStep[]) => steps.slice(steps.findIndex((step) => step.do === 'session'))
    const withoutWords = (steps: readonly ChildStep[]) => names(steps).filter((step) => step.do !== 'exec')
    assert.deepEqual(withoutWords(ungated), withoutWords(plan.child))
    const result = await breakOutOf(
      bundle,
      inPlaceOfNode({ ...first, child: ungated }, program, ['/etc/shadow', '/root', '/.container/root/motd']),
    )
    refused(result, {
      ...all('read /etc/shadow, read /root, read /.container/root/motd', ENOENT),
      'write at /': EROFS,
      ...all('execve, mount, setns', EPERM),
    })
    assert.equal(BigInt(`0x${result('CapEff')}`), 0n)
  })

  it('leaves nothing of the host’s to be written', async () => {
    const result = await breakOut()
    refused(result, {
      'write at /': EROFS,
      'write the program': ETXTBSY,
      mknod: EPERM,
      "write own memory's file": EROFS,
      "change init's score": EROFS,
    })
  })

  it('starts no program, by no way', async () => {
    const result = await breakOut()
    refused(result, {
      ...all('execve, execveat, fork, vfork', EPERM),
      "execveat of the program's number": EBADF,
      clone3: ENOSYS,
      "dup3 to the program's number": EBADF,
      "fcntl to the program's number": EINVAL,
      'raise the limit': EPERM,
    })
  })

  it('reaches no other process', async () => {
    const result = await breakOut()
    const names = `kill init, kill all, pidfd_open, ptrace, ptrace init, process_vm_readv, process_vm_writev, prlimit of init`
    refused(result, all(names, EPERM))
  })

  it('changes nothing of the kernel’s', async () => {
    const result = await breakOut()
    const names = `mount, umount, fsopen, open_tree, pivot_root, chroot, unshare, setns, bpf, keyctl, add_key, userfaultfd,
      perf_event_open, open_by_handle_at, init_module, setuid, sethostname, personality, seccomp, prctl dumpable, ioctl TIOCSTI, memfd_create`
    refused(result, { ...all(names.replaceAll(/\s+/g, ' '), EPERM), io_uring_setup: ENOSYS })
  })

  it('has no socket of any kind without a network, and those of the internet with one', async () => {
    const names =
      'socket inet, socket inet6, socket unix, socket netlink, socket packet, socket vsock, socket alg, socketpair'
    refused(await breakOut(), all(`${names}, socket raw`, EPERM))
    const connected = await breakOut(() => [], { before: [], after: [], child: [] })
    refused(connected, {
      ...all(names, EPERM),
      'socket inet': 0,
      'socket inet6': 0,
      'socket raw': EPERM,
      connect: constants.errno.ECONNREFUSED, // its own loopback, on which nobody listens
    })
  })

  it('has no capability and can get none', async () => {
    const result = await breakOut()
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) assert.equal(BigInt(`0x${result(set)}`), 0n)
    assert.deepEqual([result('NoNewPrivs'), result('Seccomp')], ['1', '2'])
  })
})

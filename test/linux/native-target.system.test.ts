import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'mocha'
import type { ChildStep, LaunchPlan } from '../../src/linux/plan.ts'
import type { Supervisor } from '../../src/linux/supervisor.ts'
import {
  describeNative,
  eventually,
  makeScratch,
  optionsFor,
  planFor,
  runPlan,
  shell,
  startContainer,
} from '../support/native.ts'

const SCRIPT = 'echo $$; hostname; cat /here; ls /proc/1/root >/dev/null && tr "\\0" " " < /proc/1/cmdline'
const NAMESPACES = ['mount', 'pid', 'uts', 'ipc', 'network'] as const

describeNative('one more process beside a target', (native) => {
  /** A container that stays, and a plan for another process of it. */
  async function beside(change: { startTime?: number } = {}) {
    const scratch = await makeScratch()
    const inside: ChildStep[] = [{ do: 'hostname', name: 'target' }]
    const first = shell('echo found > /here; exec sleep 1000')
    const plan = planFor(scratch, { namespaces: NAMESPACES, inside, exec: first })
    const target = await startContainer(optionsFor(scratch, plan, { native: native() }))
    const { pid, startTime } = target.container
    await eventually('it sleeps', () => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sleep'))
    const child: ChildStep[] = [
      { do: 'enter-target', kinds: ['uts', 'ipc', 'network', 'mount'] },
      { do: 'session', terminal: false },
      shell(SCRIPT),
    ]
    const another: LaunchPlan = {
      namespaces: [],
      before: [{ do: 'target', pid, startTime: change.startTime ?? startTime, pidNamespace: true }],
      after: [],
      child,
    }
    return { target, another, options: optionsFor(await makeScratch(), another, { native: native() }), child }
  }

  async function end(target: Supervisor): Promise<void> {
    await target.signal(9)
    await target.wait()
  }

  it('is in its namespaces, and on its root', async () => {
    const { target, options } = await beside()
    const { stdout } = await runPlan(options)
    await end(target)
    assert.match(stdout, /^\d+\ntarget\nfound\nsleep 1000 $/)
  })

  it('refuses a process that has the pid by chance', async () => {
    const { target, options } = await beside({ startTime: 1 })
    await assert.rejects(runPlan(options), { code: 'LAUNCH_FAILED', message: /pidfd_open.*No such process/ })
    await end(target)
  })

  it('forks into the pid namespace, with a session of its own', async () => {
    const { target, another, options, child } = await beside()
    const [step, ...rest] = child
    assert(step?.do === 'enter-target')
    const plan: LaunchPlan = {
      ...another,
      before: another.before.map((each) => (each.do === 'target' ? { ...each, pidNamespace: false } : each)),
      child: [{ do: 'enter-target', kinds: [...step.kinds, 'pid'] }, { do: 'init' }, ...rest],
    }
    const { stdout, exit } = await runPlan({ ...options, plan })
    await end(target)
    assert.match(stdout, /^\d{1,2}\ntarget\nfound\nsleep 1000 $/)
    assert.equal(exit.status, 0)
  })

  it('sees the root of the target read-only from a mount namespace of its own', async () => {
    const { target, options, another } = await beside()
    const scratch = await makeScratch()
    const script = 'cat /seen/here; echo x 2>&1 > /seen/there; ls -d /seen/proc/1'
    const tools = planFor(scratch, {
      namespaces: ['mount'],
      inside: [{ do: 'bind-target', target: '/seen' }],
      exec: shell(script),
    })
    const { stdout } = await runPlan({ ...options, plan: { ...tools, before: [...another.before, ...tools.before] } })
    await end(target)
    assert.match(stdout, /^found\n/)
    assert(!existsSync(join(scratch.upper, 'seen/there')))
    assert.doesNotMatch(stdout, /^x$/m)
  })
})

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { it } from 'mocha'
import type { ChildStep } from '../../src/linux/plan.ts'
import type { Supervisor } from '../../src/linux/supervisor.ts'
import { attachSupervisor } from '../../src/linux/supervisor-client.ts'
import { describeNative, makeScratch, optionsFor, planFor, readAll, shell, startContainer } from '../support/native.ts'

describeNative('a container with a terminal', (native) => {
  async function start(
    script: string,
    inside: readonly ChildStep[] = [],
  ): Promise<Supervisor & { runDirectory: string }> {
    const scratch = await makeScratch()
    const plan = planFor(scratch, { inside, terminal: true, exec: shell(script) })
    const terminal = { columns: 91, rows: 33 }
    const options = optionsFor(scratch, plan, { native: native(), terminal, openStdin: true })
    return { ...(await startContainer(options)), runDirectory: options.runDirectory }
  }

  async function output(script: string, inside: readonly ChildStep[] = []): Promise<string> {
    return (await readAll((await start(script, inside)).stdio)).toString()
  }

  it('has it on all three streams, as controlling terminal, at the size given', async () => {
    const script = 'test -t 0 && test -t 1 && test -t 2 && tty; stty size; echo open > /dev/tty'
    assert.equal(await output(script), '/dev/pts/0\r\n33 91\r\nopen\r\n')
  })

  it('shows it as /dev/console', async () => {
    assert.equal(await output('echo hello > /dev/console'), 'hello\r\n')
  })

  it('may give it to another user', async () => {
    const user: ChildStep = { do: 'user', uid: 1000, gid: 1000, groups: [] }
    assert.equal(await output('echo mine > $(tty)', [user]), 'mine\r\n')
  })

  it('has one of its own devpts: the host’s are out of reach', async () => {
    assert.equal(await output('ls /dev/pts'), '0     ptmx\r\n')
  })

  it('is resized while it runs, and told so', async () => {
    const supervisor = await start('trap "stty size; exit 5" WINCH; echo ready; while :; do sleep 0.01; done')
    const reader = lineReader(supervisor.stdio)
    assert.equal(await reader(), 'ready')
    await supervisor.resize({ columns: 120, rows: 40 })
    assert.equal(await reader(), '40 120')
    assert.equal((await supervisor.wait()).status, 5)
  })

  it('gets what is typed: lines, end of file, interrupts', async () => {
    const supervisor = await start('trap "echo caught" INT; read a; echo "[$a]"; read b; cat; exit 4')
    const reader = lineReader(supervisor.stdio)
    supervisor.stdio.write('typed\n')
    assert.deepEqual([await reader(), await reader()], ['typed', '[typed]'])
    supervisor.stdio.write('\x03')
    assert.match(await reader(), /caught/)
    supervisor.stdio.write('\n\x04')
    assert.equal((await supervisor.wait()).status, 4)
  })

  it('keeps it while none of its programs has it open', async () => {
    const supervisor = await start(
      'exec 3>&1; exec >/dev/null 2>&1 </dev/null; exec 3>&-; sleep 0.2; echo back > /dev/console',
    )
    const before = cpuTicks(supervisor.supervisor.pid)
    assert.equal((await readAll(supervisor.stdio)).toString(), 'back\r\n')
    // A supervisor that asked a terminal without programs again and again would have been busy all the while.
    assert(cpuTicks(supervisor.supervisor.pid) - before < 10)
  })

  it('loses nothing of what it wrote last', async () => {
    assert.equal(
      (await output('i=0; while test $i -lt 2000; do echo "line $i"; i=$((i+1)); done')).split('\r\n').at(-2),
      'line 1999',
    )
  })

  it('can be attached to: raw', async () => {
    const supervisor = await start('read x; echo "got $x"')
    const attached = await attachSupervisor(supervisor.runDirectory, { stdin: true, stdout: true, stderr: true })
    assert(attached?.raw)
    supervisor.stdio.resume()
    attached.stdio.write('it\n')
    assert.equal((await readAll(attached.stdio)).toString(), 'it\r\ngot it\r\n')
    attached.stdio.destroy()
  })

  it('is a session of its own with an init, whose child has the foreground', async () => {
    assert.match(
      await output('tty; ps -o pid,comm | grep -c coracle-init', [{ do: 'init' }]),
      /^\/dev\/pts\/0\r\n1\r\n$/,
    )
  })
})

function lineReader(stream: Duplex): () => Promise<string> {
  let rest = ''
  const chunks = stream.iterator({ destroyOnReturn: false })
  return async () => {
    while (!rest.includes('\r\n')) {
      const { value, done } = await chunks.next()
      if (done === true) throw new Error(`the terminal ended after ${JSON.stringify(rest)}`)
      rest += String(value)
    }
    const end = rest.indexOf('\r\n')
    const line = rest.slice(0, end)
    rest = rest.slice(end + 2)
    return line
  }
}

/** Processor time so far, in hundredths of a second; 0 once it has ended. */
function cpuTicks(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return Number(fields[11]) + Number(fields[12])
  } catch {
    return 0
  }
}

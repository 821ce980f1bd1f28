import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'mocha'
import { encodePlan } from '../../src/linux/encode-plan.ts'
import type { LaunchPlan } from '../../src/linux/plan.ts'
import type { SuperviseOptions } from '../../src/linux/supervisor.ts'
import { WireWriter } from '../../src/linux/wire-writer.ts'
import {
  describeNative,
  makeScratch,
  type Native,
  optionsFor,
  planFor,
  readStreams,
  type Scratch,
  shell,
  startContainer,
} from '../support/native.ts'
import { until } from '../support/until.ts'

const GATE = 20

/** Started from `plan` before it is told anything. */
function startedFrom(plan: string, { argv, env = {} }: Native): Native {
  const script = 'plan=$1; shift; exec 5<"$plan"; exec "$@" early'
  return { argv: ['/bin/sh', '-c', script, 'sh', plan, ...argv], env }
}

interface Early {
  readonly scratch: Scratch
  readonly options: SuperviseOptions
  /** Appears when what waits has been started. */
  readonly waits: string
}

async function prepare(native: Native, after: (scratch: Scratch) => LaunchPlan['after']): Promise<Early> {
  const scratch = await makeScratch()
  const word = `waits-${scratch.directory}`
  const child = planFor(scratch, {
    inside: [{ do: 'gate', descriptor: GATE }, { do: 'init' }],
    exec: shell(`: ${word}; read -r go <&${GATE}; echo early`),
  })
  const writer = new WireWriter()
  encodePlan(writer, child)
  const kept = join(scratch.directory, 'kept')
  const bytes = writer.finish()
  writeFileSync(kept, bytes)
  const plan: LaunchPlan = {
    ...planFor(scratch, { after: after(scratch), exec: shell('echo anew') }),
    early: { plan: bytes, late: [{ do: 'done' }] },
  }
  return { scratch, options: optionsFor(scratch, plan, { native: startedFrom(kept, native) }), waits: word }
}

/** Processes with that word, but for the tests'. */
function waiting(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`: ${word};`)
      } catch {
        return false // it has just ended
      }
    })
}

function parentOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1])
}

describeNative('a program that is started early', (native) => {
  it('goes on when its plan has come', async () => {
    const { options } = await prepare(native(), () => [])
    const supervisor = await startContainer(options)
    assert.deepEqual((await readStreams(supervisor)).stdout.toString(), 'early\n')
  })

  for (const victim of ['program', 'init'])
    it(`is started anew when its ${victim} is killed before it may go on`, async () => {
      const fifos: string[] = []
      const { options, waits } = await prepare(native(), ({ directory }) =>
        ['first', 'second'].map((name) => {
          const path = join(directory, name)
          fifos.push(path)
          assert.equal(spawnSync('mkfifo', [path]).status, 0)
          return { do: 'write', path, text: name, optional: false }
        }),
      )
      const [first = '', second = ''] = fifos
      const starting = startContainer(options)
      starting.catch(() => {}) // told below
      assert.equal(await readFile(first, 'utf8'), 'first')
      // From here on it stands still: nobody reads the second one.
      const [program = 0] = waiting(waits)
      process.kill(victim === 'init' ? parentOf(program) : program, 'SIGKILL')
      await until('it has ended', () => !existsSync(`/proc/${program}/exe`) && waiting(waits).length === 0)
      const rest = readFile(second).then(() => Promise.all(fifos.map((path) => readFile(path)))) // again, for the next one
      const supervisor = await starting
      await rest
      assert.deepEqual((await readStreams(supervisor)).stdout.toString(), 'anew\n')
      assert.equal((await supervisor.wait()).status, 0)
    })
})

/** What the benchmark of networks needs beside containers: a second machine, a look at the responder, patience. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { run } from './harness.ts'

const NEAR = '10.99.0.1'
const FAR = '10.99.0.2'

export interface FarMachine extends AsyncDisposable {
  /** The address of this host that it knows. */
  readonly nearAddress: string
  /** Runs a program there. */
  run(program: string, args: readonly string[]): string
}

/** A network namespace at the other end of a cable. */
export async function startFarMachine(): Promise<FarMachine> {
  const machine = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; exec sleep infinity'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(machine.stdout, 'data')
  const there = (program: string, args: readonly string[]) =>
    run('nsenter', ['-t', String(machine.pid), '-n', program, ...args])
  const ip = (words: string) => words.split(' ')
  run('ip', ip(`link add far type veth peer name near netns ${machine.pid}`))
  run('ip', ip(`address add ${NEAR}/24 dev far`))
  run('ip', ip('link set far up'))
  there('ip', ip(`address add ${FAR}/24 dev near`))
  there('ip', ip('link set near up'))
  return {
    nearAddress: NEAR,
    run: there,
    [Symbol.asyncDispose]: async () => {
      machine.kill('SIGKILL')
      await once(machine, 'exit')
    },
  }
}

/** Waits until Coracle has taken away the bridges that nobody is on any more. @throws after ten seconds */
export function untilNoBridge(): void {
  const clock = new Int32Array(new SharedArrayBuffer(4))
  for (let look = 0; look < 500; look++) {
    if (!readdirSync('/sys/class/net').some((name) => name.startsWith('cb-'))) return
    Atomics.wait(clock, 0, 0, 20)
  }
  throw new Error(`a bridge of coracle stays: ${readdirSync('/sys/class/net')}`)
}

/** @param pid - of the container's first process @returns one line for each process that answers for the container's names */
export function responderMemory(pid: number): string {
  const supervisor = statusOf(pid, 'PPid')
  const responders = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== pid && isChildOf(name, supervisor))
    .filter((name) => readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0')[1] === 'resolve')
  return responders.map(memoryOf).join('\n') || 'no process of its own'
}

function isChildOf(pid: string, parent: string): boolean {
  try {
    return statusOf(Number(pid), 'PPid') === parent
  } catch {
    return false // it has just ended
  }
}

function statusOf(pid: number, key: string): string {
  return new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? ''
}

function memoryOf(pid: string): string {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const kilobytes = (key: string) => new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? '?'
  return `Private_Dirty ${kilobytes('Private_Dirty')} KB, Pss ${kilobytes('Pss')} KB, Rss ${kilobytes('Rss')} KB`
}

/** What `bin/coracle` has opened for this process: a supervisor or jobs that wait for what to do (docs/internals/native.md). */
import { closeSync, fstatSync, openSync } from 'node:fs'

/** Descriptors of its plan, control and attached connections. */
export type InheritedSupervisor = readonly [plan: number, control: number, attached: number]

/** Descriptors of the pipe that a job of the native program reads, and of the one it writes. */
export type InheritedJob = readonly [input: number, output: number]

/** Those below are the user's. */
const FIRST_INHERITED = 3

let supervisor: readonly number[] = []
let jobs: readonly InheritedJob[] = []

/** Once, before anything else is started, which must not take the variables for its own. */
export function adoptInherited(): void {
  supervisor = takeVariable('CORACLE_SUPERVISOR')
  const ends = takeVariable('CORACLE_JOBS')
  if (ends.length > 0) jobs = ownPipes(ends)
}

/** It runs one container: whoever asks first gets it. */
export function takeInheritedSupervisor(): InheritedSupervisor | undefined {
  const [plan, control, attached, ...rest] = supervisor
  supervisor = []
  if (plan === undefined || control === undefined || attached === undefined || rest.length > 0) return undefined
  return [plan, control, attached].every((one) => isKind(one, 'isSocket')) ? [plan, control, attached] : undefined
}

/** Each of them is good for one job; undefined: there are no more. */
export function takeInheritedJob(): InheritedJob | undefined {
  const [job, ...rest] = jobs
  jobs = rest
  return job
}

function takeVariable(name: string): readonly number[] {
  const text = process.env[name]
  delete process.env[name]
  return /^\d{1,3}(?: \d{1,3})*$/.test(text ?? '') ? (text ?? '').split(' ').map(Number) : []
}

/** The same pipes by descriptors that no process we start inherits: whoever has one can have files read and written. */
function ownPipes(ends: readonly number[]): readonly InheritedJob[] {
  const owned = ends.map((end, index) => ownPipe(end, index % 2 === 0 ? 'w' : 'r'))
  return owned.flatMap((input, index) => {
    const output = owned[index + 1]
    return index % 2 === 1 || input === undefined || output === undefined ? [] : [[input, output] as const]
  })
}

function ownPipe(descriptor: number, flags: 'r' | 'w'): number | undefined {
  if (descriptor < FIRST_INHERITED || !isKind(descriptor, 'isFIFO')) return undefined
  try {
    return openSync(`/proc/self/fd/${descriptor}`, flags)
  } catch {
    return undefined // no /proc: processes are started one by one then
  } finally {
    closeSync(descriptor)
  }
}

function isKind(descriptor: number, kind: 'isSocket' | 'isFIFO'): boolean {
  try {
    return fstatSync(descriptor)[kind]()
  } catch {
    return false // not open: somebody else's variable
  }
}

/** What `bin/coracle` has opened for this process: a supervisor that waits for its plan (docs/internals/native.md). */
import { fstatSync } from 'node:fs'

const VARIABLE = 'CORACLE_SUPERVISOR'

/** Descriptors of its plan, control and attached connections. */
export type InheritedSupervisor = readonly [plan: number, control: number, attached: number]

let supervisor: InheritedSupervisor | undefined

/** Once, before anything else is started, which must not take the variable for its own. */
export function adoptInherited(): void {
  const text = process.env[VARIABLE]
  delete process.env[VARIABLE]
  const match = /^(\d{1,3}) (\d{1,3}) (\d{1,3})$/.exec(text ?? '')
  if (match === null) return
  const descriptors: InheritedSupervisor = [Number(match[1]), Number(match[2]), Number(match[3])]
  if (descriptors.every(isSocket)) supervisor = descriptors
}

/** It runs one container: whoever asks first gets it. */
export function takeInheritedSupervisor(): InheritedSupervisor | undefined {
  const taken = supervisor
  supervisor = undefined
  return taken
}

function isSocket(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isSocket()
  } catch {
    return false // not open: somebody else's variable
  }
}

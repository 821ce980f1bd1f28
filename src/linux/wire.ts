/** Links changed while a container runs, and those of dead ones removed (native/rewire.c). */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { nativeProgram } from '../package-root.ts'
import type { ProcessIdentity } from '../util/process-identity.ts'
import { encodeChildStep } from './encode-child-step.ts'
import { encodeHostStep } from './encode-plan.ts'
import { WireFailed } from './errors.ts'
import type { ChildStep, HostStep } from './plan.ts'
import { WireWriter } from './wire-writer.ts'

export interface WireSteps {
  readonly host: readonly HostStep[]
  readonly child: readonly ChildStep[]
}

/**
 * Host steps in the host's namespaces, then child steps in the process's network namespace.
 *
 * @throws {WireFailed} a step failed; those before it have been done
 */
export async function wireRunning(target: ProcessIdentity, steps: WireSteps): Promise<void> {
  await runWire([String(target.pid), String(target.startTime)], steps)
}

/** Links that are not there are fine. @throws {WireFailed} */
export async function removeLinks(names: readonly string[]): Promise<void> {
  await wireHost(names.map((link) => ({ do: 'link-delete', link })))
}

/** @throws {WireFailed} a step failed; those before it have been done */
export async function wireHost(steps: readonly HostStep[]): Promise<void> {
  if (steps.length > 0) await runWire([], { host: steps, child: [] })
}

async function runWire(words: readonly string[], { host, child }: WireSteps): Promise<void> {
  const writer = new WireWriter()
  for (const step of host) encodeHostStep(writer, step)
  for (const step of child) encodeChildStep(writer, step)
  const native = spawn(nativeProgram, ['wire', ...words], { cwd: '/', env: {}, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>((resolve, reject) => {
    native.once('close', resolve)
    native.once('error', (cause) => reject(new WireFailed(['start', nativeProgram], cause.message, { cause })))
  })
  native.stdin.on('error', () => {}) // one that fails early closes it: its answer says why
  native.stdin.end(writer.finish())
  const [status, answer] = await Promise.all([ended, text(native.stdout)])
  if (status === 0) return
  const [, , doing = 'wire', object = '', , reason = `it ended with ${status}`] = answer.trimEnd().split('\t')
  throw new WireFailed([doing, object], reason)
}

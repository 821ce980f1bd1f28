/** A native supervisor that waits for its plan: the one that was started ahead of us (native/ahead.c), or a new one. */
import { closeSync, writeSync } from 'node:fs'
import type { Socket } from 'node:net'
import { nativeProgram } from '../package-root.ts'
import { takeInheritedSupervisor } from '../util/inherited.ts'
import { LaunchFailed } from './errors.ts'

export interface SupervisorProcess {
  /** Hands it the plan. One that has died meanwhile takes none: the control connection says why. */
  readonly give: (plan: Buffer) => void
  readonly control: Socket
  /** The container's stdio. */
  readonly attached: Socket
  /** Rejects when there is no such program, or no process can be made. */
  readonly failed: Promise<never>
}

export interface SupervisorProcessOptions {
  /** Only for people who look at a list of processes. */
  readonly runDirectory: string
  /** Another build of the native program, or one run by a tracer: its words come first, its environment is all it has. */
  readonly native?: { readonly argv: readonly [string, ...string[]]; readonly env?: Readonly<Record<string, string>> }
}

export async function openSupervisorProcess(options: SupervisorProcessOptions): Promise<SupervisorProcess> {
  return (options.native === undefined ? await adoptProcess() : undefined) ?? (await spawnProcess(options))
}

async function adoptProcess(): Promise<SupervisorProcess | undefined> {
  const descriptors = takeInheritedSupervisor()
  if (descriptors === undefined) return undefined
  const { Socket } = await import('node:net')
  const open = (fd: number) => new Socket({ fd, readable: true, writable: true })
  const [input, control, attached] = descriptors
  const failed = new Promise<never>(() => {}) // one that has died closes its connections: that is how it is heard of
  return { give: (plan) => writeWhole(input, plan), control: open(control), attached: open(attached), failed }
}

/** It does nothing but wait for this, so that writing waits for nobody. */
function writeWhole(fd: number, plan: Buffer): void {
  try {
    for (let at = 0; at < plan.length; ) at += writeSync(fd, plan, at)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  } finally {
    closeSync(fd)
  }
}

async function spawnProcess({ native, runDirectory }: SupervisorProcessOptions): Promise<SupervisorProcess> {
  const { spawn } = await import('node:child_process')
  const [program, ...words] = native?.argv ?? [nativeProgram]
  const child = spawn(program, [...words, 'supervise', runDirectory], {
    detached: true, // its own session: what the terminal sends to us does not reach it
    cwd: '/',
    env: native?.env ?? {},
    stdio: ['pipe', 'ignore', 'ignore', 'pipe', 'pipe'],
  })
  const [input, , , control, attached] = child.stdio as unknown as (Socket | undefined)[]
  if (input === undefined || control === undefined || attached === undefined)
    throw new Error('the supervisor has no pipes')
  child.unref()
  const failed = new Promise<never>((_, reject) =>
    child.once('error', (cause) => reject(new LaunchFailed('start', program, cause.message, { cause }))),
  )
  failed.catch(() => {}) // heard of where somebody waits for the start
  input.on('error', () => {})
  return { give: (plan) => void input.end(plan), control, attached, failed }
}

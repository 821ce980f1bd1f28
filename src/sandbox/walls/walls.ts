/**
 * The walls around the runner. A module is held by WebAssembly and by the functions it is given; should it get hold of the runner
 * itself, it is in a process without capabilities, that sees its own small root, its own processes and its own network, starts no
 * program, and makes few system calls.
 */
import { readFileSync } from 'node:fs'
import type { ChildStep, CloneNamespace } from '../../linux/plan.ts'
import type { SeccompSpec } from '../../oci/runtime-spec.ts'
import type { Bundle } from '../../plugins/contract.ts'
import { allowedCalls } from './calls.ts'

export interface CompiledFilter {
  readonly program: Uint8Array
  readonly flags: number
}

/** From a seccomp document to what the kernel takes. */
export type CompileFilter = (spec: SeccompSpec) => Promise<CompiledFilter>

export interface Wall {
  readonly compileFilter: CompileFilter
  /** Whether it may make sockets. */
  readonly network: boolean
  /** Whether the plan has a pid namespace of its own. */
  readonly ownProcesses: boolean
}

/** Those that are made anew whatever the container shares with the host: nothing of them is for modules. */
const OWN: readonly CloneNamespace[] = ['pid', 'mount', 'ipc', 'uts']

export function wallNamespaces({ spec }: Bundle): CloneNamespace[] {
  const network = (spec.linux?.namespaces ?? []).find(({ type }) => type === 'network')
  return network !== undefined && network.path === undefined ? [...OWN, 'network'] : [...OWN]
}

/** What the process gives up before it becomes `program`, last of all the right to become anything. */
export async function wallSteps(bundle: Bundle, program: string, wall: Wall): Promise<ChildStep[]> {
  const descriptor = Math.min(PROGRAM_DESCRIPTOR, ...descriptorLimits(bundle))
  const filter = await wall.compileFilter(allowedCalls({ ...wall, program: descriptor }))
  return [
    { do: 'hold-program', file: program, descriptor },
    { do: 'no-new-privileges' },
    // A small parent has number 1: without a handler, a first process would not hear the signals that are to stop it.
    ...(wall.ownProcesses ? [{ do: 'init' } as const] : []),
    { do: 'seccomp', ...filter },
  ]
}

/** Modules have up to 4096 descriptors, some of them with two of ours. */
const PROGRAM_DESCRIPTOR = 16_383
const LEAST_DESCRIPTORS = 64

function descriptorLimits({ spec }: Bundle): number[] {
  const own = /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
  const wanted = spec.process?.rlimits?.find(({ type }) => type === 'RLIMIT_NOFILE')?.soft
  return [Number(own ?? 1024) - 1, ...(wanted === undefined ? [] : [Math.max(wanted, LEAST_DESCRIPTORS)])]
}

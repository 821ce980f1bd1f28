/** What single OCI runtimes have to be told, or cannot do on this host: said before they fail in words of their own. */
import { basename } from 'node:path'
import type { RuntimeSpec } from '../plugins/contract.ts'
import type { Hierarchy } from './cgroups/hierarchies.ts'
import { LaunchImpossible } from './errors.ts'

/** Options that come before the runtime's command. */
export function runtimeOptions(program: string, spec: RuntimeSpec): readonly string[] {
  if (!isNamed(program, 'runsc')) return []
  // runsc has a network stack of its own, and without a word it wants to serve the interfaces of the namespace it is given.
  const network = spec.linux?.namespaces?.find(({ type }) => type === 'network')
  if (network === undefined) return ['--network=host']
  return network.path === undefined ? ['--network=none'] : []
}

/** @throws {LaunchImpossible} the runtime would refuse this host */
export function refuseHost(program: string, hierarchies: readonly Hierarchy[]): void {
  const reason = whyNotHere(program, hierarchies)
  if (reason !== undefined) throw new LaunchImpossible(reason, 'use another runtime: --runtime runc')
}

/** @returns undefined: nothing is known that speaks against it */
export function whyNotHere(program: string, hierarchies: readonly Hierarchy[]): string | undefined {
  const hybrid =
    hierarchies.some(({ version }) => version === 1) &&
    hierarchies.some(({ version, controllers }) => version === 2 && controllers.length > 0)
  return hybrid && isNamed(program, 'crun')
    ? 'crun does not run on hosts that mix control groups of version 1 and 2, as this one does'
    : undefined
}

/** Also `runsc-debug`, `crun-1.8` and the like. */
function isNamed(program: string, name: string): boolean {
  return basename(program).split(/[-_.]/)[0] === name
}

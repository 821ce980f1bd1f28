/** The first process of a container that an OCI runtime runs: what the engine knows is the runtime. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type ProcessIdentity, readProcessIdentity } from '../util/process-identity.ts'
import { RuntimeFailed } from './errors.ts'
import { findProgram, type OciBackendOptions } from './oci-backend.ts'

/** @returns undefined when it has ended @throws {RuntimeFailed} the runtime does not know the container */
export async function readOciProcess(
  { runtime, stateDirectory }: OciBackendOptions,
  id: string,
): Promise<ProcessIdentity | undefined> {
  let state: unknown
  try {
    const { stdout } = await promisify(execFile)(findProgram(runtime), ['--root', stateDirectory, 'state', id])
    state = JSON.parse(stdout)
  } catch (error) {
    throw new RuntimeFailed(runtime, error)
  }
  const pid = typeof state === 'object' && state !== null && 'pid' in state ? state.pid : 0
  return typeof pid === 'number' && pid > 0 ? readProcessIdentity(pid) : undefined
}

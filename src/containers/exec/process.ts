/** What `exec` runs: the container's process document with the user's wishes, by docker's rules. */

import { InvalidArgument } from '../../errors.ts'
import type { ProcessSpec, RunningContainer } from '../../plugins/contract.ts'
import { mergeEnvironment, parseEnvironment } from '../parse/environment.ts'
import type { ContainerRecord } from '../records.ts'
import { ALL_CAPABILITIES } from '../spec/capabilities.ts'
import { type ResolvedUser, resolveUser } from '../spec/users.ts'
import type { ExecRequest } from '../types.ts'
import type { ContainerFiles } from './container-root.ts'
import { UserUnknown } from './errors.ts'

export interface ExecInput {
  readonly record: Pick<ContainerRecord, 'settings'>
  readonly container: Pick<RunningContainer, 'spec'>
  readonly request: ExecRequest
  /** Of the container as it is now. */
  readonly files: Pick<ContainerFiles, 'read'>
}

/** @throws {UserUnknown} @throws {InvalidArgument} an environment that cannot be read */
export function execProcess({ record, container, request, files }: ExecInput): ProcessSpec {
  const { config, host } = record.settings
  const first = container.spec.process
  const { uid, gid, groups, home } = resolveKnown(request.user ?? config.User, host.GroupAdd, files)
  const bounding = request.privileged ? [...ALL_CAPABILITIES] : [...(first?.capabilities?.bounding ?? [])]
  const environment = execEnvironment(first?.env ?? [], config.Env, request)
  const hasHome = environment.some((entry) => entry.startsWith('HOME='))
  return {
    ...first,
    terminal: request.tty ?? false,
    user: { uid, gid, additionalGids: [...groups] },
    args: [...request.command],
    env: hasHome ? environment : [...environment, `HOME=${home}`],
    cwd: request.workdir || config.WorkingDir || '/',
    // As execve does it: another user than root starts with none in force.
    capabilities: uid === 0 ? { bounding, effective: bounding, permitted: bounding } : { bounding },
  }
}

/** @throws {UserUnknown} which is, to docker, a process that could not be started */
function resolveKnown(user: string, groupAdd: readonly string[], files: ExecInput['files']): ResolvedUser {
  try {
    return resolveUser(user, groupAdd, { passwd: files.read('/etc/passwd'), group: files.read('/etc/group') })
  } catch (error) {
    throw error instanceof InvalidArgument ? new UserUnknown(error.message, { cause: error }) : error
  }
}

/** The container's own variables, not those that its first process was given for its user and terminal. */
function execEnvironment(first: readonly string[], configured: readonly string[], request: ExecRequest): string[] {
  const given = first.filter((entry) => entry.startsWith('PATH=') || entry.startsWith('HOSTNAME='))
  const base = mergeEnvironment([...given, ...(request.tty ? ['TERM=xterm'] : [])], configured)
  const fromFiles = parseEnvironment([], request.envFiles ?? [])
  // A bare name that this process does not have either is taken away, as docker does.
  return mergeEnvironment(base, [...fromFiles, ...(request.env ?? [])], process.env)
}

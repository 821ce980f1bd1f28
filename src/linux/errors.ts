/** Why a launch failed, as the native program reports it. */
import { CoracleError, type CoracleErrorOptions } from '../errors.ts'

/** A step of the launch plan failed; nothing of the container is left. */
export class LaunchFailed extends CoracleError {
  override readonly code = 'LAUNCH_FAILED'
  override readonly exitCode = 125
  constructor(doing: string, object: string, reason: string, options?: CoracleErrorOptions) {
    super(`cannot start the container: ${doing}${object === '' ? '' : ` ${object}`}: ${reason}`, options)
  }
}

/** Links or rules of a container that runs, or has ended, could not be changed. */
export class WireFailed extends CoracleError {
  override readonly code = 'WIRE_FAILED'
  /** @param step - what was done, to what */
  constructor(step: readonly [doing: string, object: string], reason: string, options?: CoracleErrorOptions) {
    super(`cannot change the network: ${step.filter((word) => word !== '').join(' ')}: ${reason}`, options)
  }
}

export class ProgramNotFound extends CoracleError {
  override readonly code = 'PROGRAM_NOT_FOUND'
  override readonly exitCode = 127
  override readonly status = 400
  constructor(program: string, options?: CoracleErrorOptions) {
    const where = program.includes('/') ? 'no such file or directory' : 'executable file not found in $PATH'
    super(`exec: ${JSON.stringify(program)}: ${where}`, options)
  }
}

export class ProgramNotExecutable extends CoracleError {
  override readonly code = 'PROGRAM_NOT_EXECUTABLE'
  override readonly exitCode = 126
  override readonly status = 400
  constructor(program: string, reason: string, options?: CoracleErrorOptions) {
    super(`exec: ${JSON.stringify(program)}: ${reason.toLowerCase()}`, options)
  }
}

/** A port of the host that cannot be held: somebody else than a container has it, or the host has no such address. */
export class PortNotHeld extends CoracleError {
  override readonly code = 'PORT_NOT_HELD'
  override readonly exitCode = 125
  constructor(place: string, reason: string) {
    super(`Bind for ${place} failed: ${reason}`, { hint: 'see ss -lntup and ip address; or choose another port' })
  }
}

/** `0.0.0.0:80`, `[::]:80` */
const PLACE = /^(?:[\d.]+|\[[\da-f:.]+\]):\d+$/

/** @param fields - class, step number, what was done, to what, errno, reason */
export function launchError(fields: readonly string[]): CoracleError {
  const [kind = '', step = '', doing = '', object = '', , reason = ''] = fields
  if (kind === 'not-found') return new ProgramNotFound(object)
  if (kind === 'not-executable') return new ProgramNotExecutable(object, reason)
  if (doing === 'bind' && PLACE.test(object)) return new PortNotHeld(object, reason)
  return new LaunchFailed(`step ${step}, ${doing}`, object, reason)
}

/** A file-system step of the native program failed: unpacking a layer, removing or reading a tree. */
export class ApplyFailed extends CoracleError {
  override readonly code = 'APPLY_FAILED'
  readonly step: string
  readonly doing: string
  /** A path below the directory; empty when the step is about none. */
  readonly object: string
  readonly errno: number
  readonly reason: string
  /** @param fields - class, step number, what was done, to what, errno, reason */
  constructor(fields: readonly string[], what: 'read' | 'write' = 'write') {
    const [, step = '', doing = '', object = '', errno = '', reason = ''] = fields
    super(`cannot ${what} files: ${doing}${object === '' ? '' : ` ${object}`}: ${reason}`)
    this.step = step
    this.doing = doing
    this.object = object
    this.errno = Number(errno)
    this.reason = reason
  }
}

/** The files of a stopped container could not be mounted to be looked at. */
export class HoldFailed extends CoracleError {
  override readonly code = 'HOLD_FAILED'
  /** @param fields - class, step number, what was done, to what, errno, reason */
  constructor(fields: readonly string[]) {
    const [, , doing = '', object = '', , reason = ''] = fields
    super(`cannot mount the files of the container: ${doing}${object === '' ? '' : ` ${object}`}: ${reason}`)
  }
}

/** The bundle asks for what this backend does not do. */
export class LaunchImpossible extends CoracleError {
  override readonly code = 'LAUNCH_IMPOSSIBLE'
  override readonly exitCode = 125
  override readonly status = 400
  constructor(reason: string, hint?: string) {
    super(`cannot start the container: ${reason}`, { hint })
  }
}

/** A limit was asked for that no control group of this host can hold. */
export class ControllerMissing extends CoracleError {
  override readonly code = 'CONTROLLER_MISSING'
  override readonly exitCode = 125
  override readonly status = 400
  constructor(controller: string) {
    super(`this host has no cgroup controller ${controller} for that limit`, {
      hint: 'leave the limit out, or enable the controller in the kernel',
    })
  }
}

/** A control group that cannot be removed: a process in it does not die. */
export class CgroupBusy extends CoracleError {
  override readonly code = 'CGROUP_BUSY'
  constructor(path: string) {
    super(`the control group ${path} stays busy`, {
      hint: 'a process in it hangs in the kernel; try again when it is gone',
    })
  }
}

/** A seccomp profile that says what seccomp cannot do. */
export class SeccompInvalid extends CoracleError {
  override readonly code = 'SECCOMP_INVALID'
  override readonly exitCode = 125
  override readonly status = 400
  constructor(reason: string) {
    super(`the seccomp profile is invalid: ${reason}`, {
      hint: 'see the format of docker: docs.docker.com/engine/security/seccomp',
    })
  }
}

export class RuntimeMissing extends CoracleError {
  override readonly code = 'RUNTIME_MISSING'
  override readonly exitCode = 125
  override readonly status = 400
  constructor(runtime: string) {
    super(`unknown or invalid runtime name: ${runtime}`, {
      hint: 'name an installed OCI runtime (runc, crun, runsc) or give its absolute path',
    })
  }
}

/** An OCI runtime ended with an error of its own. */
export class RuntimeFailed extends CoracleError {
  override readonly code = 'RUNTIME_FAILED'
  override readonly exitCode = 125
  constructor(runtime: string, cause: unknown) {
    const stderr = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : ''
    const [line = ''] = stderr.trim().split('\n').slice(-1)
    super(`${runtime}: ${line === '' ? String(cause) : line.slice(0, 500)}`, { cause })
  }
}

/** Its supervisor was killed, and the container with it. */
export class SupervisorLost extends CoracleError {
  override readonly code = 'SUPERVISOR_LOST'
  override readonly exitCode = 125
  constructor(options?: CoracleErrorOptions) {
    super('the supervisor of the container was killed: how the container ended is unknown', options)
  }
}

/** The supervisor could not do what a command asked of it. */
export class RequestRefused extends CoracleError {
  override readonly code = 'REQUEST_REFUSED'
  constructor(reason: string) {
    super(`the supervisor of the container says: ${reason}`)
  }
}

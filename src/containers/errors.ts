/** What can go wrong with containers. Messages follow docker's words, because scripts match them. */
import { CoracleError, type CoracleErrorOptions } from '../errors.ts'

export class ContainerNotFound extends CoracleError {
  override readonly code = 'CONTAINER_NOT_FOUND'
  override readonly status = 404
  constructor(name: string) {
    super(`No such container: ${name}`, { hint: 'see coracle ps -a' })
  }
}

export class AmbiguousContainer extends CoracleError {
  override readonly code = 'AMBIGUOUS_CONTAINER'
  override readonly status = 400
  constructor(prefix: string, candidates: readonly string[]) {
    super(`multiple IDs found with provided prefix: ${prefix}`, { hint: `it could be ${candidates.join(', ')}` })
  }
}

export class ContainerNameInUse extends CoracleError {
  override readonly code = 'CONTAINER_NAME_IN_USE'
  override readonly status = 409
  override readonly exitCode = 125
  constructor(name: string, owner: string) {
    super(`Conflict. The container name "/${name}" is already in use by container "${owner}"`, {
      hint: `remove (coracle rm ${name}) or rename that container to be able to reuse that name`,
    })
  }
}

export class ContainerRunning extends CoracleError {
  override readonly code = 'CONTAINER_RUNNING'
  override readonly status = 409
  constructor(name: string, state: string) {
    super(`cannot remove container "${name}": container is ${state}`, {
      hint: `stop the container before removing it, or force it: coracle rm -f ${name}`,
    })
  }
}

/** Somebody else changed the container in the meantime. */
export class StateConflict extends CoracleError {
  override readonly code = 'CONTAINER_STATE_CONFLICT'
  override readonly status = 409
  constructor(id: string, state: string, wanted: string) {
    super(`container ${id.slice(0, 12)} is ${state}, it cannot become ${wanted}`)
  }
}

/** The image of the container could not be run here. */
export class PlatformUnsupported extends CoracleError {
  override readonly code = 'PLATFORM_UNSUPPORTED'
  override readonly status = 400
  override readonly exitCode = 125
}

/** `run` failed before the container's program ran. Wraps errors of other rooms, so that the exit status is docker's 125. */
export class RunFailed extends CoracleError {
  override readonly code: string
  override readonly exitCode: number
  override readonly status: number
  constructor(cause: CoracleError) {
    super(cause.message, { cause, hint: cause.hint })
    this.code = cause.code
    this.status = cause.status
    this.exitCode = cause.exitCode === 126 || cause.exitCode === 127 || cause.exitCode === 130 ? cause.exitCode : 125
  }
}

export class NoTerminal extends CoracleError {
  override readonly code = 'NO_TERMINAL'
  override readonly status = 400
  constructor(options?: CoracleErrorOptions) {
    super('the input device is not a TTY', options)
  }
}

export class ContainerNotRunning extends CoracleError {
  override readonly code = 'CONTAINER_NOT_RUNNING'
  override readonly status = 409
  constructor(
    { id, name, state }: { readonly id: string; readonly name: string; readonly state: string },
    options?: ErrorOptions,
  ) {
    super(`container ${id.slice(0, 12)} (${name}) is not running: it is ${state}`, {
      ...options,
      hint: `coracle start ${name}`,
    })
  }
}

/** The process that was to restart a container could not be started. */
export class RestarterLost extends CoracleError {
  override readonly code = 'RESTARTER_LOST'
  constructor(program: string) {
    super(`cannot run ${program}, which restarts containers`, { hint: 'reinstall Coracle' })
  }
}

export class ContainerPaused extends CoracleError {
  override readonly code = 'CONTAINER_PAUSED'
  override readonly status = 409
}

/** SIGKILL does not end it: a process hangs in the kernel. */
export class ContainerStuck extends CoracleError {
  override readonly code = 'CONTAINER_STUCK'
  constructor({ id, name }: { readonly id: string; readonly name: string }) {
    super(`container ${id.slice(0, 12)} (${name}) does not end even by SIGKILL`, {
      hint: 'a process in it hangs in the kernel, often for a disk or a network file system; try again later',
    })
  }
}

/** `logs` of a container whose driver keeps none. */
export class LogsUnreadable extends CoracleError {
  override readonly code = 'LOGS_UNREADABLE'
  override readonly status = 501
  constructor(name: string, driver: string) {
    super(`configured logging driver does not support reading: ${name} uses ${driver}`)
  }
}

/** The image asks for what the user has not granted, and nobody can be asked. */
export class PermissionsNeeded extends CoracleError {
  override readonly code = 'PERMISSIONS_NEEDED'
  override readonly status = 403
  override readonly exitCode = 125
  constructor(image: string, wanted: readonly string[], flags: readonly string[]) {
    super(`${image} asks for ${wanted.join(', ')}`, {
      hint: `there is no terminal to ask at: allow it with ${flags.join(' ')}, or forbid it with --deny-…`,
    })
  }
}

/** The image's label of permissions cannot be understood, so that nobody knows what it wants. */
export class PermissionLabelInvalid extends CoracleError {
  override readonly code = 'PERMISSION_LABEL_INVALID'
  override readonly status = 400
  override readonly exitCode = 125
  constructor(reason: string) {
    super(`the label coracle.permissions of the image is invalid: ${reason}`)
  }
}

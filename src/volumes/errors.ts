/** What can go wrong with volumes, in docker's words. */
import { CoracleError } from '../errors.ts'
import type { VolumeUser } from './records.ts'

export class VolumeNotFound extends CoracleError {
  override readonly code = 'VOLUME_NOT_FOUND'
  override readonly status = 404
  constructor(name: string) {
    super(`get ${name}: no such volume`, { hint: 'see coracle volume ls' })
  }
}

/** Who has it, in docker's words by id, in the hint by name. */
export class VolumeInUse extends CoracleError {
  override readonly code = 'VOLUME_IN_USE'
  override readonly status = 409
  constructor(doing: string, containers: readonly VolumeUser[]) {
    super(`${doing}: volume is in use - [${containers.map(({ id }) => id).join(', ')}]`, {
      hint: `it is mounted in ${containers.map(describeUser).join(', ')}`,
    })
  }
}

/** A volume of that name is there, and nothing must happen to it. */
export class VolumeExists extends CoracleError {
  override readonly code = 'VOLUME_EXISTS'
  override readonly status = 409
  constructor(name: string) {
    super(`a volume named ${name} exists already`, { hint: 'choose another name' })
  }
}

/** Its data are mounted in each container from elsewhere: there is nothing here to work on. */
export class VolumeElsewhere extends CoracleError {
  override readonly code = 'VOLUME_ELSEWHERE'
  override readonly status = 409
  constructor(name: string, type: string) {
    super(`the data of volume ${name} are not here: it is of the type ${type}`, {
      hint: 'only volumes of the driver local without options can be cloned, renamed, exported and imported into',
    })
  }
}

/** It is there, with other options than those asked for. */
export class VolumeConflict extends CoracleError {
  override readonly code = 'VOLUME_CONFLICT'
  override readonly status = 409
  constructor(name: string) {
    super(`create ${name}: a volume of this name exists with other options`, {
      hint: `see coracle volume inspect ${name}`,
    })
  }
}

function describeUser({ name, state }: VolumeUser): string {
  return `${name} (${state})`
}

/** What can be wrong in a Dockerfile. Messages are BuildKit's where scripts may match them. */
import { CoracleError, type CoracleErrorOptions } from '../../errors.ts'
import { neutralise } from '../../ui/text.ts'
import { excerpt } from './excerpt.ts'
import type { Lines, Source } from './types.ts'

/** Where in the file something is said. */
export interface Place {
  readonly source: Source
  readonly lines: Lines
}

interface Options extends CoracleErrorOptions {
  /** The text to point at: searched in the lines of the place. */
  readonly near?: string | undefined
}

/**
 * A Dockerfile that cannot be built, whatever the context is. Thrown without a place by what reads a single word, and
 * given one by `within`, so that who reads words need not know where they stand.
 */
export class DockerfileInvalid extends CoracleError {
  override readonly code = 'DOCKERFILE_INVALID'
  override readonly status = 400
  /** The message without line and excerpt. */
  readonly problem: string
  readonly place: Place | undefined
  readonly #options: Options

  constructor(problem: string, options: Options = {}, place?: Place) {
    const { near, ...rest } = options
    super(place === undefined ? problem : located(problem, place, near), rest)
    this.problem = problem
    this.place = place
    this.#options = options
  }

  /** The same failure with line, excerpt and caret; one that has a place keeps it. */
  at(place: Place): DockerfileInvalid {
    return this.place === undefined ? new DockerfileInvalid(this.problem, this.#options, place) : this
  }
}

function located(problem: string, place: Place, near: string | undefined): string {
  return `dockerfile parse error on line ${place.lines.start}: ${neutralise(problem)}\n${excerpt(place.source, place.lines, near)}`
}

/** Runs `work`; what it finds wrong is wrong at `place`. */
export function within<Result>(place: Place, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (error instanceof DockerfileInvalid) throw error.at(place)
    throw error
  }
}

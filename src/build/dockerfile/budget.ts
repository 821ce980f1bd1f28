/** What variables may grow to. A few lines are enough to double a value until nothing else has room. */
import { DockerfileInvalid } from './errors.ts'

/** Characters that all variables of a Dockerfile together may stand for, each time they are used. */
const MAX_CHARACTERS = 64 * 1024 * 1024

/** One for a whole Dockerfile: what is put in stays in configs and histories. */
export class ExpansionBudget {
  #left = MAX_CHARACTERS

  /** @throws {DockerfileInvalid} nothing is left */
  spend(value: string | undefined): string | undefined {
    this.#left -= value?.length ?? 0
    if (this.#left < 0)
      throw new DockerfileInvalid(`the variables of this file grow beyond ${MAX_CHARACTERS >> 20} MiB`)
    return value
  }
}

/** The variables of a stage, from one instruction to the next. */
import type { ExpansionBudget } from './budget.ts'
import { DockerfileInvalid, within } from './errors.ts'
import { expandWord } from './expand.ts'
import { type Expanded, expandInstruction } from './expand-instruction.ts'
import type { ArgInstruction, Escape, Instruction, Source } from './types.ts'

export interface ScopeOptions {
  readonly source: Source
  readonly escape: Escape
  /** `globalArguments`: a stage sees one of them from the line on that repeats its name. */
  readonly globals: ReadonlyMap<string, string>
  readonly buildArgs: ReadonlyMap<string, string>
  /** `Env` of the base's image config. */
  readonly environment: readonly string[]
  /** Of the stage that this one is built from. */
  readonly parent?: StageScope | undefined
  /** Of the plan. */
  readonly budget: ExpansionBudget
  /** Called for each variable that is used and not set. */
  readonly onUnset?: (name: string, instruction: Instruction) => void
}

/** An ARG of a stage; undefined where it has no value. */
export interface DeclaredArg {
  readonly name: string
  readonly value: string | undefined
}

/** Characters of all of them: no program can be started with more. */
const MAX_TOTAL = 2 * 1024 * 1024
/** Every stage built from this one has them all. */
const MAX_VARIABLES = 10_000
/** For the builder, not for the programs it runs. */
const HIDDEN: readonly string[] = ['BUILDKIT_SBOM_SCAN_CONTEXT', 'BUILDKIT_SBOM_SCAN_STAGE']

/**
 * Follows a stage: `expand` is called with one instruction after the other, and each sees the variables that those
 * before it have set.
 */
export class StageScope {
  readonly #options: ScopeOptions
  readonly #variables: Map<string, string>
  readonly #args: Map<string, string | undefined>
  #total: number

  constructor(options: ScopeOptions) {
    this.#options = options
    this.#variables = new Map(options.parent?.variables)
    this.#total = options.parent?.total ?? 0
    this.#args = new Map(options.parent?.args.map(({ name, value }) => [name, value]))
    for (const entry of options.environment) {
      const equals = entry.indexOf('=')
      if (equals === -1) this.#set(entry, '')
      else this.#set(entry.slice(0, equals), entry.slice(equals + 1))
    }
  }

  /** ENVs and ARGs, the last one wins: what `$x` means, and the environment of RUN but for proxies and secrets. */
  get variables(): ReadonlyMap<string, string> {
    return this.#variables
  }

  /** Characters of all names and values. */
  get total(): number {
    return this.#total
  }

  /** ARGs so far, also those of the stages this one is built from, in the order of their first declaration. */
  get args(): readonly DeclaredArg[] {
    return [...this.#args].map(([name, value]) => ({ name, value: this.#variables.get(name) ?? value }))
  }

  /**
   * The instruction with its variables put in; ENV and ARG take effect for the next ones.
   *
   * @throws {DockerfileInvalid} a word cannot be expanded, or makes no sense once it is
   */
  expand(instruction: Instruction): Expanded {
    return within({ source: this.#options.source, lines: instruction.lines }, () => {
      if (instruction.kind === 'ARG') return this.#declare(instruction)
      const { escape: token } = this.#options
      const expanded = expandInstruction(instruction, {
        escape: token,
        lookup: (name) => this.#lookup(name, instruction),
      })
      if (expanded.kind === 'ENV') for (const { key, value } of expanded.pairs) this.#set(key, value)
      return expanded
    })
  }

  /** One after the other: `ARG a=1 b=$a` knows `a`. */
  #declare(instruction: ArgInstruction): Expanded {
    const args = instruction.args.map(({ name, value }) => {
      const given = this.#argument(name, { value, instruction })
      this.#args.set(name, given)
      if (given !== undefined && !HIDDEN.includes(name)) this.#set(name, given)
      return given === undefined ? { name } : { name, value: given }
    })
    return { ...instruction, args }
  }

  #argument(
    name: string,
    { value, instruction }: { readonly value: string | undefined; readonly instruction: ArgInstruction },
  ): string | undefined {
    const { buildArgs, globals, escape: token } = this.#options
    const given = buildArgs.get(name)
    if (given !== undefined) return given
    if (value === undefined) return globals.get(name)
    return expandWord(value, { escape: token, lookup: (other) => this.#lookup(other, instruction) })
  }

  #lookup(name: string, instruction: Instruction): string | undefined {
    const value = this.#variables.get(name)
    // Declared without a value is what it is: empty, and no mistake.
    if (value === undefined && !this.#args.has(name)) this.#options.onUnset?.(name, instruction)
    return this.#options.budget.spend(value)
  }

  #set(name: string, value: string): void {
    const before = this.#variables.get(name)
    this.#total += value.length - (before === undefined ? -name.length : before.length)
    this.#variables.set(name, value)
    if (this.#total > MAX_TOTAL) throw new DockerfileInvalid('the variables of this stage are larger than 2 MiB')
    if (this.#variables.size > MAX_VARIABLES)
      throw new DockerfileInvalid(`this stage has more than ${MAX_VARIABLES} variables`)
  }
}

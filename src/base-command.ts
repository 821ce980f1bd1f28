/** What all commands share: reading their words, printing, failing, and opening the engine when it is first needed. */
import { Command } from '@oclif/core/command'
import type { Input, ParserOutput } from '@oclif/core/interfaces'
import type { Engine } from './engine/engine.ts'
import { Cancelled, type Kept } from './errors.ts'
import type { TransferOptions } from './images/types.ts'
import { assignArguments, parseCommandLine } from './ui/command-line.ts'
import { SomeTargetsFailed, UsageError } from './ui/errors.ts'
import { commandHelp, usageLine } from './ui/help.ts'
import type { ProgressDisplay, ProgressStream } from './ui/progress.ts'
import { reportError } from './ui/report-error.ts'
import { writeLine } from './ui/text.ts'

/** Thrown by `parse` after `--help` has been answered. */
class HelpShown extends Error {}

export abstract class BaseCommand extends Command {
  /** Whatever stands behind the first argument is left alone, flags and all (`run IMAGE COMMAND -x`). */
  static readonly stopAtFirstArgument: boolean = false
  /** Exit status of failures that have none of their own; docker's `run` and `create` say 125. */
  static readonly failureStatus: number = 1

  /** oclif's own preparations belong to features we do not use, and cost time. */
  protected override async init(): Promise<void> {}

  /**
   * The words of this command by docker's grammar. `argv` holds all positional words.
   *
   * @throws {UsageError} with docker's message, usage and exit status
   */
  protected override async parse<F extends Flags, B extends Flags, A extends Arguments>(
    options?: Input<F, B, A>,
    argv: string[] = this.argv,
  ): Promise<ParserOutput<F, B, A>> {
    this.parsed = true
    const shape = (options ?? this.ctor) as unknown as typeof BaseCommand
    const command = this.#name
    try {
      const { stopAtFirstArgument = false, flags = {} } = shape
      const line = parseCommandLine(argv, { flags, stopAtFirstArgument })
      if (line.helpWanted) {
        this.log(commandHelp({ ...this.#shape, id: command }))
        throw new HelpShown()
      }
      const args = assignArguments(line.positional, shape.args, { command, strict: shape.strict })
      const output = { args, flags: line.flags, argv: [...line.positional], raw: [], metadata: { flags: {} } }
      return { ...output, nonExistentFlags: [] } as unknown as ParserOutput<F, B, A>
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      const usage = usageLine({ ...this.#shape, id: command })
      const more = `Run 'coracle ${command} --help' for more information`
      throw new UsageError(`${error.message}\n\n${usage}\n\n${more}`, error.exitCode)
    }
  }

  /** One line to standard output; what a terminal would obey is made visible first. */
  override log(message = ''): void {
    writeLine(process.stdout, message)
  }

  override logToStderr(message = ''): void {
    writeLine(process.stderr, message)
  }

  /** Docker prints JSON for people with four spaces. */
  protected logDocument(value: unknown): void {
    this.log(JSON.stringify(value, null, 4))
  }

  /** Tries every name and lets the successes stand before it fails with all the errors, as docker does. */
  protected async eachTarget(names: readonly string[], work: (name: string) => Promise<unknown>): Promise<void> {
    const errors: unknown[] = []
    for (const name of names) {
      try {
        await work(name)
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length === 1) throw errors[0]
    if (errors.length > 1) throw new SomeTargetsFailed(errors)
  }

  /** After a `prune`. */
  protected tellKept(kept: readonly Kept[]): void {
    for (const { name, error } of kept) {
      this.logToStderr(`WARNING: ${name} is kept: ${error.message}`)
      if (error.hint !== undefined) this.logToStderr(error.hint)
    }
  }

  /** Aborted by Ctrl-C or SIGTERM; a second one ends the process as usual. */
  protected interruption(): AbortSignal {
    const controller = new AbortController()
    const abort = () => controller.abort(new Cancelled())
    process.once('SIGINT', abort)
    process.once('SIGTERM', abort)
    return controller.signal
  }

  protected override async catch(error: unknown): Promise<void> {
    if (error instanceof HelpShown) return
    process.exitCode = reportError(error, process.stderr, (this.ctor as typeof BaseCommand).failureStatus)
  }

  /** As typed: `image ls` stays `image ls` even where it is another name of `images`. */
  get #name(): string {
    return (this.id ?? '').replaceAll(':', ' ')
  }

  get #shape(): typeof BaseCommand {
    return this.ctor as typeof BaseCommand
  }
}

type Flags = Record<string, unknown>
type Arguments = Record<string, unknown>

/** A command that works on images or containers. */
export abstract class EngineCommand extends BaseCommand {
  #engine: Promise<Engine> | undefined
  #progress: ProgressDisplay | undefined

  /** Loaded only now, so that `--help` stays fast; closed when the command ends. */
  protected openEngine(): Promise<Engine> {
    this.#engine ??= import('./engine/local.ts').then(({ openLocalEngine }) =>
      openLocalEngine({ onWarning: (text) => this.logToStderr(`WARNING: ${text}`) }),
    )
    return this.#engine
  }

  /** How a transfer shows itself: on `stream`, unless it is to be quiet. The display ends with the command. */
  protected async transferOptions(quiet: boolean, stream: ProgressStream = process.stderr): Promise<TransferOptions> {
    if (quiet) return {}
    const { openProgress } = await import('./ui/progress.ts')
    this.#progress = openProgress(stream)
    return this.#progress
  }

  /** Ends the progress display, so that lines can be printed below it. */
  protected endProgress(): void {
    this.#progress?.close()
  }

  protected override async catch(error: unknown): Promise<void> {
    this.endProgress()
    const { explainFullDisk } = await import('./engine/full-disk.ts')
    await super.catch(explainFullDisk(error))
  }

  protected override async finally(): Promise<void> {
    this.endProgress()
    const engine = await this.#engine?.catch(() => undefined) // whoever asked for it has had the error
    await engine?.close()
  }
}

import * as Args from '@oclif/core/args'
import { EngineCommand } from '../base-command.ts'
import { buildFlags, formerBuildFlags, formerFlagWarnings, requestOf } from '../ui/build-flags.ts'
import { buildMetadata } from '../ui/build-metadata.ts'
import { type BuildProgressMode, openBuildDisplay } from '../ui/build-progress.ts'
import type { BuildDisplay } from '../ui/build-text.ts'
import { removeTextFile, writeTextFile } from '../ui/streams.ts'
import { writeLine } from '../ui/text.ts'

export default class Build extends EngineCommand {
  static override summary = 'Build an image from a Dockerfile'
  static override usage = '[OPTIONS] PATH | URL | -'
  static override examples = [
    '<%= config.bin %> build -t app .',
    '<%= config.bin %> build --target test --progress plain .',
    '<%= config.bin %> build -o type=local,dest=out .',
  ]
  static override aliases = ['image:build', 'builder:build', 'buildx:build']
  static override args = {
    context: Args.string({ description: 'Directory, URL, or - for standard input', required: true }),
  }
  static override flags = { ...buildFlags, ...formerBuildFlags }
  #display: BuildDisplay | undefined

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Build)
    for (const warning of formerFlagWarnings(flags)) this.logToStderr(`WARNING: ${warning}`)
    const mode = flags.quiet
      ? 'quiet'
      : ((flags.progress ?? process.env['BUILDKIT_PROGRESS'] ?? 'auto') as BuildProgressMode)
    const display = await openBuildDisplay(mode, process.stderr)
    this.#display = display
    const { builds } = await this.openEngine()
    const request = {
      ...requestOf(flags),
      context: args.context,
      get input() {
        return process.stdin // to open it takes milliseconds, and few builds read it
      },
      stdout: process.stdout,
      env: process.env,
      signal: this.interruption(),
      onEvent: display.show,
    }
    const call = flags.check ? 'check' : flags.call
    if (call !== 'build') {
      const { text, status, failure } = await builds.call(request, call)
      writeLine(process.stdout, text.trimEnd())
      if (failure !== undefined) throw failure
      process.exitCode = status
      return
    }
    // A build that fails must not leave the id of another one there.
    if (flags.iidfile) await removeTextFile(flags.iidfile)
    const { image } = await builds.build(request)
    display.close()
    if (flags['metadata-file']) await writeTextFile(flags['metadata-file'], buildMetadata(image))
    if (image === undefined) return
    if (flags.iidfile) await writeTextFile(flags.iidfile, image.id)
    if (mode === 'quiet') this.log(image.id)
  }

  protected override async catch(error: unknown): Promise<void> {
    this.#display?.close()
    await super.catch(error)
  }
}

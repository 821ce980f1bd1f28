import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'

export default class Cp extends EngineCommand {
  static override summary = 'Copy files/folders between a container and the local filesystem'
  static override description =
    'A dash instead of a local path stands for a tar archive on standard input or output. The container may be running or stopped. Copies belong to root in a container, and to you outside of it, unless -a is given.'
  static override usage = '[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|- | [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH'
  static override examples = [
    '<%= config.bin %> cp web:/etc/nginx/nginx.conf .',
    '<%= config.bin %> cp ./site/. web:/usr/share/nginx/html',
    '<%= config.bin %> cp web:/var/log - | tar t',
  ]
  static override aliases = ['container:cp']
  static override args = {
    source: Args.string({ description: 'CONTAINER:PATH, a local path, or -', required: true }),
    destination: Args.string({ description: 'CONTAINER:PATH, a local path, or -', required: true }),
  }
  static override flags = {
    archive: Flags.boolean({ char: 'a', description: 'Archive mode (copy all uid/gid information)' }),
    'follow-link': Flags.boolean({ char: 'L', description: 'Always follow symbol link in SRC_PATH' }),
    quiet: Flags.boolean({ char: 'q', description: 'Suppress progress output during copy' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Cp)
    const engine = await this.openEngine()
    const request = {
      from: placeOf(args.source),
      to: placeOf(args.destination),
      archive: flags.archive ?? false,
      followLink: flags['follow-link'] ?? false,
      // Scripts are told nothing, as by docker.
      quiet: flags.quiet ?? !process.stdout.isTTY,
      signal: this.interruption(),
    }
    await engine.containers.copy(request, process)
  }
}

/** `NAME:PATH`; a path with a colon in it must say that it is one: `./a:b`, `/a:b`. */
function placeOf(text: string): { container?: string; path: string } {
  const [, container, path = ''] = /^([^:]*):([\s\S]*)$/.exec(text) ?? []
  if (container === undefined || text.startsWith('/') || container.startsWith('.')) return { path: text }
  return { container, path }
}

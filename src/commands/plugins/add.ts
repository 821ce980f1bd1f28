import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { BaseCommand } from '../../base-command.ts'
import { CONSENT_FLAGS, DIGEST_FLAG, readConsent } from '../../ui/consent-flags.ts'

export default class PluginsAdd extends BaseCommand {
  static override summary = 'Make a command of a single file'
  static override description =
    'The file (.ts, .js or .wasm) is a path, an https:// address, or an artifact: oci://REGISTRY/REPOSITORY:TAG. It says by itself what it\nis called and what it must be allowed to do, asked in a process without any rights; later it runs with what you granted, and nothing else.'
  static override examples = [
    '<%= config.bin %> plugins add ./hello.ts',
    '<%= config.bin %> plugins add --allow-engine --allow-read ./layers.ts',
    '<%= config.bin %> plugins add https://example.org/hello.wasm --digest sha256:…',
    '<%= config.bin %> plugins add oci://registry.example/tools/hello:1',
  ]
  static override args = {
    file: Args.string({ description: 'Path, https:// address, or oci:// reference', required: true }),
  }
  static override flags = {
    ...CONSENT_FLAGS,
    digest: DIGEST_FLAG,
    name: Flags.string({ description: 'Name of the command, in place of its own' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(PluginsAdd)
    const { openPlugins } = await import('../../engine/plugins.ts')
    const { name, digest } = flags
    const plugin = await openPlugins().add(args.file, { name, digest, consent: readConsent(flags) })
    this.log(plugin.name)
  }
}

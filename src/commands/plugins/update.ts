import * as Args from '@oclif/core/args'
import { BaseCommand } from '../../base-command.ts'
import { CONSENT_FLAGS, DIGEST_FLAG, readConsent } from '../../ui/consent-flags.ts'

export default class PluginsUpdate extends BaseCommand {
  static override summary = 'Take the files again that plugins were made of'
  static override description =
    'A file that has changed is asked for its permissions anew, the ones it had before among them.'
  static override examples = ['<%= config.bin %> plugins update hello']
  static override args = { plugin: Args.string({ description: 'Name', required: true, multiple: true }) }
  static override flags = { ...CONSENT_FLAGS, digest: DIGEST_FLAG }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(PluginsUpdate)
    const { openPlugins } = await import('../../engine/plugins.ts')
    const plugins = openPlugins()
    await this.eachTarget(args.plugin, async (name) => {
      const updated = await plugins.update(name, { digest: flags.digest, consent: readConsent(flags) })
      this.log(updated === undefined ? `${name} has not changed` : name)
    })
  }
}

import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { BaseCommand } from '../../base-command.ts'
import { CONSENT_FLAGS, DIGEST_FLAG, readConsent } from '../../ui/consent-flags.ts'

export default class PluginsUpdate extends BaseCommand {
  static override summary = 'Take plugins again from where they came'
  static override description =
    'Without names, all of them. A file that has changed is asked for its permissions anew, the ones it had before among them.'
  static override examples = ['<%= config.bin %> plugins update', '<%= config.bin %> plugins update hello']
  static override args = { plugin: Args.string({ description: 'Name', multiple: true }) }
  static override flags = {
    ...CONSENT_FLAGS,
    digest: DIGEST_FLAG,
    'allow-scripts': Flags.boolean({ description: 'Let packages of npm run their install scripts' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(PluginsUpdate)
    const { openPlugins } = await import('../../engine/plugins.ts')
    const { openNpmPlugins } = await import('../../engine/npm-plugins.ts')
    const plugins = openPlugins()
    const packages = openNpmPlugins()
    const all = () => {
      const { packages: installed, broken } = packages.list()
      if (broken !== undefined) throw broken
      return [...installed, ...plugins.list().plugins].map(({ name }) => name)
    }
    await this.eachTarget(args.plugin ?? all(), async (name) => {
      if (packages.has(name)) {
        const { version } = packages.read(name)
        const now = await packages.update(name, { scripts: flags['allow-scripts'] ?? false })
        this.log(now.version === version ? `${name}@${version}` : `${name}@${now.version} (was ${version})`)
        for (const fault of now.faults) this.logToStderr(`WARNING: ${name}: ${fault}`)
        return
      }
      const updated = await plugins.update(name, { digest: flags.digest, consent: readConsent(flags) })
      this.log(updated === undefined ? `${name} has not changed` : name)
    })
  }
}

import * as Args from '@oclif/core/args'
import { BaseCommand } from '../../base-command.ts'

export default class PluginsPublish extends BaseCommand {
  static override summary = 'Push a single-file command to a registry'
  static override description =
    'It becomes an OCI artifact that others install with: coracle plugins add oci://REGISTRY/REPOSITORY:TAG\nCredentials are those of coracle login.'
  static override examples = [
    '<%= config.bin %> plugins publish hello.ts registry.example/tools/hello:1.0',
    '<%= config.bin %> plugins publish hello.wasm oci://localhost:5000/hello:1.0 oci://localhost:5000/hello:latest',
  ]
  static override args = {
    file: Args.string({ description: 'The file', required: true }),
    name: Args.string({ description: 'Where to: REGISTRY/REPOSITORY[:TAG]', required: true, multiple: true }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(PluginsPublish)
    const { openPlugins } = await import('../../engine/plugins.ts')
    for (const name of await openPlugins().publish(args.file, args.name)) this.log(name)
  }
}

import * as Args from '@oclif/core/args'
import { EngineCommand } from '../base-command.ts'

export default class Logout extends EngineCommand {
  static override summary = 'Log out from a registry'
  static override description = 'If no server is specified, Docker Hub is meant.'
  static override usage = '[SERVER]'
  static override examples = ['<%= config.bin %> logout', '<%= config.bin %> logout registry.example']
  static override args = { server: Args.string({ description: 'Registry' }) }

  async run(): Promise<void> {
    const { args } = await this.parse(Logout)
    const engine = await this.openEngine()
    const { message } = await engine.images.logout(args.server)
    this.log(message)
  }
}

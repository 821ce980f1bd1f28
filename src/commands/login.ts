import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { askCredentials } from '../ui/credentials.ts'

export default class Login extends EngineCommand {
  static override summary = 'Authenticate to a registry'
  static override description = 'Defaults to Docker Hub if no server is specified.'
  static override usage = '[OPTIONS] [SERVER]'
  static override examples = [
    '<%= config.bin %> login registry.example',
    'cat token.txt | <%= config.bin %> login -u robot --password-stdin registry.example',
  ]
  static override args = { server: Args.string({ description: 'Registry' }) }
  static override flags = {
    password: Flags.string({ char: 'p', description: 'Password or Personal Access Token (PAT)' }),
    'password-stdin': Flags.boolean({ description: 'Take the password from STDIN' }),
    username: Flags.string({ char: 'u', description: 'Username' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Login)
    const { username, password } = await askCredentials(
      { username: flags.username, password: flags.password, fromStdin: flags['password-stdin'] ?? false },
      (warning) => this.logToStderr(warning),
    )
    const engine = await this.openEngine()
    const registry = args.server === undefined ? {} : { registry: args.server }
    const { message, warning } = await engine.images.login({ ...registry, username, password })
    if (warning !== undefined) this.logToStderr(warning)
    this.log(message)
  }
}

import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../base-command.ts'
import { CoracleError } from '../errors.ts'

export default class Rm extends EngineCommand {
  static override summary = 'Remove one or more containers'
  static override examples = [
    '<%= config.bin %> rm web',
    '<%= config.bin %> rm -f web worker',
    '<%= config.bin %> rm $(<%= config.bin %> ps -aq)',
  ]
  static override aliases = ['container:rm', 'container:remove']
  static override args = {
    container: Args.string({ description: 'Name, ID or unambiguous prefix of an ID', required: true, multiple: true }),
  }
  static override flags = {
    force: Flags.boolean({ char: 'f', description: 'Force the removal of a running container (uses SIGKILL)' }),
    volumes: Flags.boolean({ char: 'v', description: 'Remove anonymous volumes associated with the container' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Rm)
    const engine = await this.openEngine()
    const { force = false, volumes = false } = flags
    await this.eachTarget(args.container, async (name) => {
      try {
        await engine.containers.remove(name, { force, volumes })
      } catch (error) {
        // As docker: who forces wants it gone, and it is.
        if (!(force && error instanceof CoracleError && error.code === 'CONTAINER_NOT_FOUND')) throw error
        this.logToStderr(`coracle: ${error.message}`)
        return
      }
      this.log(name)
    })
  }
}

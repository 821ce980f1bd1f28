import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { EngineCommand } from '../../base-command.ts'

export default class WasmPack extends EngineCommand {
  static override summary = 'Make an image of a WebAssembly module or component'
  static override description =
    'The image is for the platform wasi/wasm, which containerd, podman and docker run as well; with --artifact it is ' +
    'what wkg and other WebAssembly tools exchange. Its id is printed.'
  static override examples = [
    '<%= config.bin %> wasm pack app.wasm -t registry.example/app:1',
    '<%= config.bin %> wasm pack app.wasm -t app --env MODE=fast --arg --verbose --file site:/srv/site',
    '<%= config.bin %> wasm pack app.wasm -t app --permission net=api.example:443',
    '<%= config.bin %> wasm pack --artifact app.wasm -t registry.example/app:1',
  ]
  static override args = { file: Args.string({ description: 'The .wasm file', required: true }) }
  static override flags = {
    annotation: Flags.string({ multiple: true, description: "Annotation of the image's manifest, KEY=VALUE" }),
    arg: Flags.string({ multiple: true, description: 'Argument that the program gets unless others are given' }),
    artifact: Flags.boolean({ description: 'Make a WASM OCI artifact: the program alone' }),
    created: Flags.string({ description: 'Time to write into the image; also SOURCE_DATE_EPOCH' }),
    entrypoint: Flags.string({ description: 'Program to start, PATH or PATH#FUNCTION' }),
    env: Flags.string({ char: 'e', multiple: true, description: 'Set environment variables' }),
    expose: Flags.string({ multiple: true, description: 'Port that the program listens on' }),
    file: Flags.string({ multiple: true, description: 'Add a file or directory, SRC:DST' }),
    label: Flags.string({ char: 'l', multiple: true, description: 'Set metadata, KEY=VALUE' }),
    permission: Flags.string({
      multiple: true,
      description: 'Declare what the program wants to be allowed: read, write, net, env',
    }),
    quiet: Flags.boolean({ char: 'q', description: 'Print the id alone' }),
    tag: Flags.string({ char: 't', multiple: true, description: 'Name of the image, NAME[:TAG]' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(WasmPack)
    const { wasm } = await this.openEngine()
    const { id, what } = await wasm.pack(args.file, flags)
    if (flags.quiet !== true) this.logToStderr(`Packed a ${what}`)
    this.log(id)
  }
}

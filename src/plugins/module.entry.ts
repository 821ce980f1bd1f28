/** The process of a `.wasm` command: the module in the in-memory sandbox, with its words, its standard streams, and copies of what it was granted. */
import { Socket } from 'node:net'
import { readModuleFacts } from '../sandbox/module-kind.ts'
import { runOnWasmer } from '../sandbox/wasmer-engine.ts'
import { MAX_FRAME_BYTES, readFrames, type Start } from './frames.ts'
import { grantedFiles } from './granted-files.ts'

const TRAP_STATUS = 134

const socket = new Socket({ fd: 3 })
readFrames(socket, {
  maxBytes: MAX_FRAME_BYTES,
  take: (frame) => {
    const start = frame as Start
    run(start).then(
      (status) => process.exit(status),
      (error: unknown) => complain(start.name, error instanceof Error ? error.message : 'unknown failure'),
    )
  },
  fail: (reason) => complain('plugin', reason),
})

async function run({ name, source, words, files }: Start): Promise<number> {
  const bytes = Buffer.from(source, 'base64')
  const { kind } = readModuleFacts(bytes)
  if (kind !== 'command') throw new Error(`it is a ${kind}, and only WASI commands (preview 1) can be plugins`)
  const env = Object.entries(process.env).map(([key, value]) => `${key}=${value ?? ''}`)
  const options = { args: [name, ...words], env, files: grantedFiles(files, process.cwd()) }
  const ending = await runOnWasmer({ name, bytes, entry: '_start' }, options)
  if ('status' in ending) return ending.status
  console.error(`coracle: ${name}: the module trapped: ${ending.trap}`)
  return TRAP_STATUS
}

function complain(name: string, reason: string): void {
  console.error(`coracle: ${name}: ${reason}`)
  process.exit(1)
}

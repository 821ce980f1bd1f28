/** One thread of a module: an instance of its own in the memory that all share. */
import { parentPort, workerData } from 'node:worker_threads'
import { entryOf, instantiateModule, trapName } from '../../engine.ts'
import { ModuleInvalid, ModuleUnsupported } from '../../errors.ts'
import { ModuleExit } from '../context.ts'
import type { ThreadMessage, ThreadSettings } from './protocol.ts'
import { threadImports } from './thread-imports.ts'

const settings = workerData as ThreadSettings

function tell(message: ThreadMessage): void {
  parentPort?.postMessage(message)
}

async function main(): Promise<ThreadMessage> {
  const { module, entry, spawned } = settings
  try {
    const instance = await instantiateModule(
      module,
      threadImports(settings, () => tell(null)),
    )
    if (spawned === undefined) {
      entryOf(instance, { name: 'the module', entry, bytes: Buffer.alloc(0) })()
      return { status: 0 }
    }
    const start = instance.exports['wasi_thread_start']
    if (typeof start !== 'function') return { invalid: 'it exports no wasi_thread_start' }
    start(spawned.id, spawned.argument)
    return { finished: true }
  } catch (error) {
    if (error instanceof ModuleExit) return { status: error.status & 0xff }
    if (error instanceof ModuleInvalid || error instanceof ModuleUnsupported) return { invalid: error.message }
    return { trap: trapName(error) }
  }
}

main().then(tell, (error: unknown) => {
  throw error // the owner hears of it
})

/** The thread that has the sockets. It ends with the process. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Opened, SwitchboardSettings } from './protocol.ts'
import { openSwitchboard } from './switchboard.ts'

const { line, ports } = workerData as SwitchboardSettings

openSwitchboard(line, ports).then(
  ({ answer }) => {
    parentPort?.on('message', () => void answer())
    parentPort?.postMessage({ listening: true } satisfies Opened)
  },
  (error: NodeJS.ErrnoException & { port?: number }) => {
    parentPort?.postMessage({ failed: error.code ?? 'unknown', port: error.port ?? 0 } satisfies Opened)
  },
)

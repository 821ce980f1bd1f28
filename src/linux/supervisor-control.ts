/** The line protocol of a supervisor's control connection. */
import type { Socket } from 'node:net'
import type { ProcessIdentity } from '../util/process-identity.ts'
import { LaunchFailed, launchError, RequestRefused, SupervisorLost } from './errors.ts'
import type { ExitRecord } from './exit-record.ts'

export interface SupervisorControl {
  signal(signal: number): Promise<void>
  resize(size: { columns: number; rows: number }): Promise<void>
  /** Empties the log, and resolves when that is done. @throws {RequestRefused} */
  clearLog(): Promise<void>
  /** The responder that the plan has left for later; answers once it listens on the port. @throws {RequestRefused} */
  startResolver(port: number): Promise<void>
  /**
   * Resolves with the exit record once it is written, and all output is passed on or queued.
   *
   * @throws {SupervisorLost} the supervisor was killed: the container died with it, its status is unknown
   */
  wait(): Promise<ExitRecord>
  /** The same, and the exit hook does not run as long as this connection lives: the caller records the end. */
  takeExit(): Promise<ExitRecord>
}

export interface StartedControl extends SupervisorControl {
  readonly started: Promise<{ supervisor: ProcessIdentity; container: ProcessIdentity }>
  readonly warnings: string[]
  /** What `wait` answers, without asking for it: the owner is told in any case, and the hook does not run. */
  readonly exited: Promise<ExitRecord>
}

const MAX_LINE_BYTES = 4096

export function openControl(socket: Socket): StartedControl {
  const started = Promise.withResolvers<{ supervisor: ProcessIdentity; container: ProcessIdentity }>()
  const exited = Promise.withResolvers<ExitRecord>()
  const warnings: string[] = []
  // Whoever does not ask never hears: an unasked promise must not count as an unhandled failure.
  started.promise.catch(() => {})
  exited.promise.catch(() => {})

  /** Requests are answered in their order. */
  const answers: PromiseWithResolvers<void>[] = []
  const obey = (line: string) => {
    const [word, ...fields] = line.split('\t')
    if (word === 'STARTED') started.resolve(parseStarted(fields))
    else if (word === 'WARNING') warnings.push(warningText(fields))
    else if (word === 'FAILED') started.reject(launchError(fields))
    else if (word === 'EXIT') exited.resolve(parseExit(fields))
    else if (word === 'OK') answers.shift()?.resolve()
    else if (word === 'ERROR') answers.shift()?.reject(new RequestRefused(fields.join(' ')))
  }
  readLines(socket, obey)
  const lost = () => {
    started.reject(new LaunchFailed('start', 'the supervisor', 'it ended before it said how'))
    exited.reject(new SupervisorLost())
    for (const { reject } of answers.splice(0)) reject(new SupervisorLost())
  }
  // A connection that stays open on our side (half-open ones do) never closes by itself.
  socket.once('end', lost)
  socket.once('close', lost)
  socket.on('error', lost)
  const send = async (line: string) => {
    await new Promise<void>((resolve, reject) =>
      socket.write(`${line}\n`, (error) => (error ? reject(error) : resolve())),
    )
  }
  /** @returns what resolves with the answer; most do not care */
  const ask = async (line: string): Promise<{ readonly answered: Promise<void> }> => {
    const answer = Promise.withResolvers<void>()
    answer.promise.catch(() => {})
    answers.push(answer)
    await send(line)
    return { answered: answer.promise }
  }
  return {
    started: started.promise,
    warnings,
    signal: async (signal) => void (await ask(`SIGNAL ${signal}`)),
    resize: async ({ columns, rows }) => void (await ask(`RESIZE ${columns} ${rows}`)),
    clearLog: async () => (await ask('CLEAR-LOG')).answered,
    startResolver: async (port) => (await ask(`RESOLVE ${port}`)).answered,
    exited: exited.promise,
    wait: async () => {
      await send('WAIT')
      return await exited.promise
    },
    takeExit: async () => {
      await send('TAKE-EXIT')
      return await exited.promise
    },
  }
}

function readLines(socket: Socket, onLine: (line: string) => void): void {
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = (lines.pop() ?? '').slice(-MAX_LINE_BYTES)
    for (const line of lines) onLine(line)
  })
}

function parseStarted(fields: readonly string[]): { supervisor: ProcessIdentity; container: ProcessIdentity } {
  const [supervisor = 0, supervisorStart = 0, container = 0, containerStart = 0] = fields.map(Number)
  return {
    supervisor: { pid: supervisor, startTime: supervisorStart },
    container: { pid: container, startTime: containerStart },
  }
}

function parseExit([status, signal, oom, finished]: readonly string[]): ExitRecord {
  return { status: Number(status), signal: Number(signal), oomKilled: oom === '1', finishedAtNs: BigInt(finished ?? 0) }
}

/** CLASS, step, doing, object, errno, reason. */
function warningText([, , doing, object, , reason]: readonly string[]): string {
  return `${doing} ${object}: ${reason}`
}

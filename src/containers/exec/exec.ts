/** `exec`: one more process in a running container, with a supervisor of its own and the user's terminal in between. */
import type { Relay } from '../attach/relay.ts'
import { followTerminalSize, terminalSize } from '../attach/terminal-size.ts'
import { NoTerminal } from '../errors.ts'
import type { ContainerRoom } from '../room.ts'
import type { ExecRequest, RunIO } from '../types.ts'
import { removeExecFiles } from './run-directory.ts'
import { finishExec, openForExec, type StartedExec, startExec } from './start.ts'

/** See `ContainerEngine.exec`. */
export async function execInContainer(
  room: ContainerRoom,
  name: string,
  { request, io }: { readonly request: ExecRequest; readonly io: RunIO },
): Promise<number> {
  if (request.tty && request.interactive && !request.detach && io.stdin.isTTY !== true) throw new NoTerminal()
  const opened = await openForExec(room, name)
  const started = await startExec(room, opened, { request, io })
  if (request.detach) {
    started.supervisor.release()
    return 0
  }
  return followExec(room, started, { request, io })
}

/** As a program that SIGPIPE ended; the process goes on. */
const BROKEN_PIPE_STATUS = 141

/** @returns the exit status for the command: the process's own, or 0 when the user left it running */
export async function followExec(
  room: ContainerRoom,
  { record, execId, directory, supervisor }: StartedExec,
  { request, io }: { readonly request: ExecRequest; readonly io: RunIO },
): Promise<number> {
  for (const warning of supervisor.warnings) io.stderr.write(`WARNING: ${warning}\n`)
  const exited = supervisor.wait()
  exited.catch(() => {}) // awaited below; a failure before that is not unhandled
  using resizing = request.tty ? followTerminalSize(io, supervisor.resize) : undefined
  void resizing
  const size = terminalSize(io)
  if (request.tty && size !== undefined) void supervisor.resize(size).catch(() => {}) // it may have changed meanwhile
  const relay = await openUserRelay(supervisor.stdio, request, io)
  try {
    const end = await relay.ended
    if (end !== 'closed') {
      supervisor.release()
      if (end === 'detached') io.stderr.write('read escape sequence\n')
      return end === 'detached' ? 0 : BROKEN_PIPE_STATUS
    }
    const { status } = await exited
    await finishExec(room, { id: record.id, execId, directory }, status)
    return status
  } catch (error) {
    await removeExecFiles(room.paths, { id: record.id, execId, directory }) // the supervisor was killed, and cannot
    throw error
  } finally {
    relay.close()
  }
}

async function openUserRelay(
  stdio: StartedExec['supervisor']['stdio'],
  request: ExecRequest,
  io: RunIO,
): Promise<Relay> {
  const { openRelay } = await import('../attach/relay.ts')
  const { tty: terminal = false, interactive: stdin = false } = request
  const keys = terminal && stdin ? (await import('../attach/detach-keys.ts')).detachKeys(request.detachKeys) : undefined
  return openRelay(stdio, io, { terminal, stdin, stdout: true, stderr: true, detachKeys: keys })
}

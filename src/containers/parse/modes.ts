/** `--ipc`, `--pid`, `--uts`, `--userns`, `--cgroupns`: whose namespaces a container uses. */
import { InvalidArgument } from '../../errors.ts'

const CONTAINER = /^container:[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

export function parseIpcMode(text: string): string {
  if (['', 'none', 'private', 'shareable', 'host'].includes(text) || CONTAINER.test(text)) return text
  throw new InvalidArgument(`invalid IPC mode: ${text}`)
}

export function parsePidMode(text: string): string {
  if (text === '' || text === 'host' || CONTAINER.test(text)) return text
  throw new InvalidArgument('--pid: invalid PID mode')
}

export function parseUtsMode(text: string): string {
  if (text === '' || text === 'host') return text
  throw new InvalidArgument('--uts: invalid UTS mode')
}

export function parseUsernsMode(text: string): string {
  if (text === '' || text === 'host') return text
  throw new InvalidArgument('--userns: invalid USER mode')
}

export function parseCgroupnsMode(text: string): '' | 'private' | 'host' {
  if (text === '' || text === 'private' || text === 'host') return text
  throw new InvalidArgument('--cgroupns: invalid CGROUP mode')
}

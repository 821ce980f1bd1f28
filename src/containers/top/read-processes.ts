/** What `ps -ef` would show, from /proc alone: for hosts without ps. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { statFields } from '../../util/process-identity.ts'
import type { ProcessTable } from '../types.ts'

const TITLES = ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD']
/** USER_HZ, which the kernel shows to programs on every architecture that Coracle runs on. */
const TICKS_PER_SECOND = 100
const MAX_COMMAND = 4096

export function readProcesses(pids: ReadonlySet<number>): ProcessTable {
  const names = userNames()
  const now = { uptime: Number(read('/proc/uptime').split(' ')[0]), ms: Date.now() }
  const processes = [...pids].sort((left, right) => left - right).flatMap((pid) => readRow(pid, names, now))
  return { titles: TITLES, processes }
}

interface Moment {
  /** seconds since boot */
  readonly uptime: number
  readonly ms: number
}

/** @returns no row for a process that has ended */
function readRow(pid: number, names: ReadonlyMap<number, string>, now: Moment): string[][] {
  let uid: number
  let stat: string
  let command: string
  try {
    uid = statSync(`/proc/${pid}`).uid
    stat = read(`/proc/${pid}/stat`)
    command = read(`/proc/${pid}/cmdline`).slice(0, MAX_COMMAND).replaceAll('\0', ' ').trim()
  } catch {
    return []
  }
  const fields = statFields(stat).map(Number)
  const [ppid = 0, tty = 0] = [fields[1], fields[4]]
  const usedSeconds = ((fields[11] ?? 0) + (fields[12] ?? 0)) / TICKS_PER_SECOND
  const ageSeconds = Math.max(0, now.uptime - (fields[19] ?? 0) / TICKS_PER_SECOND)
  const share = ageSeconds === 0 ? 0 : Math.min(99, Math.floor((usedSeconds * 100) / ageSeconds))
  const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
  return [
    [
      names.get(uid) ?? String(uid),
      String(pid),
      String(ppid),
      String(share),
      startOf(now.ms - ageSeconds * 1000, now.ms),
      terminalName(tty),
      clock(usedSeconds),
      oneLine(command === '' ? `[${name}]` : command),
    ],
  ]
}

/** What the processes say about themselves may break lines. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}]/gu, '?')
}

/** The time of today, the day of this year, or the year. */
function startOf(startMs: number, nowMs: number): string {
  const start = new Date(startMs)
  const [, month = '', day = '', year = '', time = ''] = start.toString().split(' ')
  if (nowMs - startMs < 24 * 3600_000) return time.slice(0, 5)
  return start.getFullYear() === new Date(nowMs).getFullYear() ? `${month}${day}` : year
}

function clock(seconds: number): string {
  const whole = Math.floor(seconds)
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  return parts.map((part) => String(part).padStart(2, '0')).join(':')
}

/** As Linux numbers devices in /proc: 136–143 are the terminals of programs, 4 those of the machine. */
function terminalName(device: number): string {
  const major = (device >> 8) & 0xfff
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00)
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`
  return major === 4 ? `tty${minor}` : '?'
}

function userNames(): ReadonlyMap<number, string> {
  const rows = read('/etc/passwd')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(':'))
  return new Map(rows.map(([name = '', , uid = '']) => [Number(uid), name]))
}

function read(path: string): string {
  return readFileSync(path, 'utf8')
}

/**
 * In the process's pid namespace; where that is ours, the process itself and what descends from it. So too where we may not look into
 * it, as into the small parent of an ordinary user's container: from the first of a namespace all others descend.
 */
export function processesOfNamespace(pid: number): readonly number[] {
  const all = readdirSync('/proc').map(Number).filter(Number.isInteger)
  const namespace = namespaceOf(pid)
  if (namespace !== undefined && namespace !== namespaceOf('self'))
    return all.filter((each) => namespaceOf(each) === namespace)
  const parents = new Map(all.map((each) => [each, parentOf(each)]))
  const descends = (each: number | undefined): boolean =>
    each === pid || (each !== undefined && each > 1 && descends(parents.get(each)))
  return all.filter(descends)
}

function namespaceOf(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    return undefined // ended, or somebody else's
  }
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(statFields(read(`/proc/${pid}/stat`))[1])
  } catch {
    return undefined // it has just ended
  }
}

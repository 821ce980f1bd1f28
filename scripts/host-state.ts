/** What a test run could leave behind on the host, as a list of lines to compare before and after. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const OURS = /coracle/
const SERVERS = new Set(['coracle-native', 'docker-registry'])

export function readHostState(): string[] {
  return [...mounts(), ...cgroups(), ...scratch(), ...processes(), ...namespaces(), ...links(), ...tables()].sort()
}

function mounts(): string[] {
  const lines = readFileSync('/proc/self/mounts', 'utf8').split('\n')
  return lines.filter((line) => OURS.test(line)).map((line) => `mount ${line}`)
}

/** Groups named after us, three levels deep in each hierarchy. */
function cgroups(): string[] {
  return directoriesBelow('/sys/fs/cgroup', 4)
    .filter((path) => OURS.test(path))
    .map((path) => `cgroup ${path}`)
}

function directoriesBelow(path: string, depth: number): string[] {
  if (depth === 0) return []
  const entries = readdirOr(path)
  return entries.flatMap((name) => [join(path, name), ...directoriesBelow(join(path, name), depth - 1)])
}

/** A directory that goes away while we look has nothing left to report. */
function readdirOr(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  } catch {
    return []
  }
}

function scratch(): string[] {
  return readdirSync(tmpdir())
    .filter((name) => OURS.test(name))
    .map((name) => `file ${join(tmpdir(), name)}`)
}

function pids(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
}

function processes(): string[] {
  return pids().flatMap((pid) => {
    const name = readOr(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim())
    // One that has ended and only waits for the host's init to take note of it is no leak of ours.
    const stat = readOr(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
    const dead = stat === undefined || /\) Z /.test(stat)
    return name !== undefined && SERVERS.has(name) && !dead ? [`process ${pid} ${name}`] : []
  })
}

/** Namespaces other than our own that processes are in. */
function namespaces(): string[] {
  const found = new Set<string>()
  for (const pid of pids()) {
    for (const kind of ['mnt', 'pid', 'net']) {
      const link = readOr(() => readlinkSync(`/proc/${pid}/ns/${kind}`))
      if (link !== undefined) found.add(`namespace ${link}`)
    }
  }
  return [...found]
}

/** Bridges and links of containers' networks. */
function links(): string[] {
  return readdirSync('/sys/class/net')
    .filter((name) => /^c[a-z]-[0-9a-f]{8}/.test(name))
    .map((name) => `link ${name}`)
}

/** Of packet rules; none where there is no nft, or no right to look. */
function tables(): string[] {
  const { stdout } = spawnSync('nft', ['list', 'tables'], { encoding: 'utf8' })
  return (stdout ?? '').split('\n').filter((line) => OURS.test(line))
}

function readOr(read: () => string): string | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

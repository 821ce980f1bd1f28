/** Debian's dockerd, without networks, on a directory of its own; nothing of it stays. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdirSync, openSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from 'mocha'
import { until } from './until.ts'

export interface DockerDaemon {
  readonly socketPath: string
  stop(): Promise<void>
}

/** Skips the suite where there is none, or nobody who may start it. */
export function needsDocker(context: Context): void {
  const there = ['docker', 'dockerd'].every((program) => spawnSync(program, ['--version']).status === 0)
  if (process.geteuid?.() === 0 && there) return
  console.log('skipped: this needs root and dockerd (Debian: docker.io)')
  context.skip()
}

/** @param directory - takes all that it keeps */
export async function startDockerDaemon(directory: string): Promise<DockerDaemon> {
  mkdirSync(directory, { recursive: true })
  const at = (name: string) => join(directory, name)
  const socketPath = at('sock')
  const state = ['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid')]
  const isolated = ['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false']
  const log = openSync(at('log'), 'w')
  const foreign = controlGroups()
  const child = spawn('dockerd', ['-H', `unix://${socketPath}`, ...isolated, ...state], { stdio: ['ignore', log, log] })
  await until('dockerd answers', () => spawnSync('docker', ['-H', `unix://${socketPath}`, 'version']).status === 0)
  return {
    socketPath,
    async stop() {
      if (child.exitCode === null) {
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      spawnSync('sh', ['-c', `grep -o ' ${directory}[^ ]*' /proc/self/mounts | sort -r | xargs -r umount -l`])
      for (const group of controlGroups().filter((path) => !foreign.includes(path))) rmdirSync(group)
    },
  }
}

/** Those that its builds make in each hierarchy and leave, the inner ones first. */
function controlGroups(): string[] {
  const found = ['', '/*'].flatMap((below) => globSync(`/sys/fs/cgroup/{,*/}docker${below}/`))
  return found.sort((left, right) => right.length - left.length)
}

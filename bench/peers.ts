/** The programs Coracle is measured against, each with a scratch state of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasPeer, run } from './harness.ts'

export interface Peer {
  readonly name: string
  /** Program and arguments that come before docker's words. */
  readonly command: readonly [string, ...string[]]
  readonly env: NodeJS.ProcessEnv
  /** What `run` needs besides docker's words on this host. */
  readonly runArgs: readonly string[]
}

export interface Bench extends AsyncDisposable {
  readonly scratch: string
  /** Starts whatever is installed; the first one is Coracle. */
  readonly peers: readonly Peer[]
  /** `127.0.0.1:PORT` of a fresh registry. */
  readonly registry: string
}

const DEADLINE_MS = 30_000
const coracle = join(import.meta.dirname, '../bin/coracle')

export interface BenchOptions {
  /** Docker makes its bridge and rules, where it runs: see `own-network.ts`. */
  readonly networks?: boolean
}

/** @throws when Debian's docker-registry is not installed, because nothing can be pulled then */
export async function openBench({ networks = false }: BenchOptions = {}): Promise<Bench> {
  const scratch = mkdtempSync(join(tmpdir(), 'coracle-bench-'))
  const children: ChildProcess[] = []
  const registry = await startRegistry(scratch, children)
  const peers = [coraclePeer(scratch)]
  const docker = hasPeer('dockerd') ? await startDocker(scratch, { children, networks }) : undefined
  if (docker !== undefined) peers.push(docker)
  if (hasPeer('podman')) peers.push(podmanPeer(scratch))
  return { scratch, peers, registry, [Symbol.asyncDispose]: () => close(scratch, children) }
}

/** `prefix args…` of a peer in one list, ready for `run`. */
export function commandLine(peer: Peer, args: readonly string[]): [string, string[]] {
  const [program, ...before] = peer.command
  return [program, [...before, ...args]]
}

/** Runs docker's words by a peer and returns what it printed. @throws when it fails */
export function invoke(peer: Peer, words: readonly string[]): string {
  return run(...commandLine(peer, words), peer.env)
}

export function pull(peer: Peer, image: string): void {
  invoke(peer, peer.name === 'podman' ? ['pull', '--tls-verify=false', image] : ['pull', image])
}

function coraclePeer(scratch: string): Peer {
  const env = { ...process.env, CORACLE_ROOT: join(scratch, 'coracle'), CORACLE_RUN: join(scratch, 'coracle-run') }
  return { name: 'coracle', command: [coracle], env, runArgs: [] }
}

function podmanPeer(scratch: string): Peer {
  const state = ['--root', join(scratch, 'podman'), '--runroot', join(scratch, 'podman-run'), '--runtime', 'runc']
  const command = ['podman', ...state, '--cgroup-manager', 'cgroupfs', '--events-backend', 'file'] as const
  const limits = ['--ulimit', 'nofile=1024:4096', '--ulimit', 'nproc=1024:4096']
  return { name: 'podman', command: [...command], env: process.env, runArgs: limits }
}

interface DockerOptions {
  readonly children: ChildProcess[]
  readonly networks: boolean
}

async function startDocker(scratch: string, { children, networks }: DockerOptions): Promise<Peer | undefined> {
  const at = (name: string) => join(scratch, name)
  const socket = `unix://${at('docker.sock')}`
  const isolated = networks ? [] : ['--bridge=none', '--iptables=false', '--ip6tables=false']
  const state = ['--data-root', at('docker'), '--exec-root', at('docker-exec'), '--pidfile', at('docker.pid')]
  const log = openSync(at('dockerd.log'), 'w')
  children.push(spawn('dockerd', ['-H', socket, ...isolated, ...state], { stdio: ['ignore', log, log] }))
  const ready = await until(() => spawnSync('docker', ['-H', socket, 'version']).status === 0)
  if (!ready) console.log(`skipping docker: dockerd did not start, see ${at('dockerd.log')}`)
  return ready ? { name: 'docker', command: ['docker', '-H', socket], env: process.env, runArgs: [] } : undefined
}

async function startRegistry(scratch: string, children: ChildProcess[]): Promise<string> {
  if (!hasPeer('docker-registry')) throw new Error('install docker-registry: the benchmark pulls from it')
  const address = `127.0.0.1:${await freePort()}`
  const config = join(scratch, 'registry.yml')
  const storage = join(scratch, 'registry')
  mkdirSync(storage)
  const http = `http: {addr: "${address}"}`
  const logging = 'log: {level: error, accesslog: {disabled: true}}'
  writeFileSync(config, `version: 0.1\n${logging}\nstorage: {filesystem: {rootdirectory: "${storage}"}}\n${http}\n`)
  children.push(spawn('docker-registry', ['serve', config], { stdio: 'ignore' }))
  const ready = await until(async () => (await fetch(`http://${address}/v2/`).catch(() => undefined))?.ok === true)
  if (!ready) throw new Error('docker-registry did not start')
  return address
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function until(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + DEADLINE_MS
  while (Date.now() < deadline) {
    if (await condition()) return true
    await sleep(100)
  }
  return false
}

async function close(scratch: string, children: readonly ChildProcess[]): Promise<void> {
  for (const child of children) {
    if (child.exitCode !== null) continue
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  // podman keeps its store mounted in a private place; both engines leave bind mounts behind when stopped
  spawnSync('sh', ['-c', `grep -o ' ${scratch}[^ ]*' /proc/self/mounts | sort -r | xargs -r umount -l`])
  rmSync(scratch, { recursive: true, force: true })
}

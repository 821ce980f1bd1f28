/**
 * A host of its own for networks: a network namespace in which the CLI runs, with an interface to another machine, which
 * is a second namespace. The host below is never touched.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { packageRoot } from '../../src/package-root.ts'
import { type Coracle, IMAGE, type Outcome, openCoracle } from './coracle.ts'

const CLI = join(packageRoot, 'bin', 'coracle')

export const HOST = { four: '198.51.100.1', six: '2001:db8::1' }
export const MACHINE = { four: '198.51.100.2', six: '2001:db8::2' }

export interface Island {
  readonly coracle: Coracle
  run(args: readonly string[], env?: NodeJS.ProcessEnv): Outcome
  /** Standard output of a command that must succeed. */
  output(...args: string[]): string
  /** On the host, and on the other machine. */
  host(...words: string[]): Outcome
  machine(...words: string[]): Outcome
  start(where: 'host' | 'machine', ...words: string[]): ChildProcess
  /** Of the host as others could see it: links, routes, rules. */
  state(): string
  close(): void
}

export function openIsland(): Island {
  const coracle = openCoracle()
  const [host, machine] = [`cohost${process.pid}`, `comachine${process.pid}`]
  const inside = (name: string, words: readonly string[], env: NodeJS.ProcessEnv = {}): Outcome => {
    const { status, stdout, stderr } = spawnSync('ip', ['netns', 'exec', name, ...words], {
      env: { ...coracle.env, ...env },
      cwd: coracle.directory,
      encoding: 'utf8',
      timeout: 60_000,
    })
    return { status, stdout, stderr }
  }
  const must = ({ status, stdout, stderr }: Outcome, words: readonly string[]): string => {
    if (status !== 0) throw new Error(`${words.join(' ')} ended with ${status}: ${stderr}`)
    return stdout.replace(/\n$/, '')
  }
  const ip = (...words: string[]) => {
    const { status, stdout, stderr } = spawnSync('ip', words, { encoding: 'utf8' })
    must({ status, stdout, stderr }, ['ip', ...words])
  }
  for (const name of [host, machine]) ip('netns', 'add', name)
  ip('link', 'add', 'out0', 'netns', host, 'type', 'veth', 'peer', 'name', 'out0', 'netns', machine)
  for (const [name, { four, six }] of [
    [host, HOST],
    [machine, MACHINE],
  ] as const) {
    ip('-n', name, 'address', 'add', `${four}/24`, 'dev', 'out0')
    ip('-n', name, 'address', 'add', `${six}/64`, 'dev', 'out0', 'nodad')
    for (const link of ['lo', 'out0']) ip('-n', name, 'link', 'set', link, 'up')
  }
  const run: Island['run'] = (args, env) => inside(host, [CLI, ...args], env)
  return {
    coracle,
    run,
    output: (...args) => must(run(args), args),
    host: (...words) => inside(host, words),
    machine: (...words) => inside(machine, words),
    start: (where, ...words) =>
      spawn('ip', ['netns', 'exec', where === 'host' ? host : machine, ...words], {
        env: coracle.env,
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    state: () =>
      [
        ['ip', '-d', '-o', 'link'],
        ['ip', 'route'],
        ['ip', '-6', 'route'],
        ['nft', 'list', 'ruleset'],
        ['sysctl', 'net.ipv4.ip_forward'],
      ]
        .map((words) => inside(host, words).stdout)
        .join('\n'),
    close: () => {
      const ids = run(['ps', '-aq']).stdout.split('\n').filter(Boolean)
      if (ids.length > 0) run(['rm', '-f', ...ids])
      run(['network', 'prune', '-f'])
      for (const name of [host, machine]) ip('netns', 'delete', name)
      coracle.close()
    },
  }
}

export interface Inhabitant {
  readonly name: string
  readonly pid: number
  readonly mac: string
  readonly ip: string
  readonly six: string
}

/** A container that runs `command` until it is removed, or a server of its own name's files. */
export function inhabit(
  { output }: Island,
  name: string,
  flags: readonly string[] = [],
  command = ['sleep', '600'],
): Inhabitant {
  output('run', '-d', '--name', name, ...flags, IMAGE, ...command)
  const format =
    '{{.State.Pid}} {{range .NetworkSettings.Networks}}{{.MacAddress}} {{.IPAddress}} {{.GlobalIPv6Address}}{{end}}'
  const [pid = '', mac = '', ip = '', six = ''] = output('inspect', '--format', format, name).split(' ')
  return { name, pid: Number(pid), mac, ip, six }
}

/** Answers every connection to its port 80 with /etc/passwd. */
export const SERVER = ['httpd', '-f', '-p', '80', '-h', '/etc']

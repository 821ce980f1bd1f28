import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { ContainerConfig, ContainerSettings } from '../../../src/containers/config.ts'
import { commandWords } from '../../../src/containers/inspect/as-command.ts'
import { parseRunRequest } from '../../../src/containers/parse/run-request.ts'
import { commandLine, mergeImage } from '../../../src/containers/spec/merge-image.ts'
import type { RunFlags } from '../../../src/containers/types.ts'
import type { ImageProcessConfig } from '../../../src/oci/descriptor.ts'
import { parseCommandLine } from '../../../src/ui/command-line.ts'
import { runFlags } from '../../../src/ui/run-flags.ts'
import { shellLine } from '../../../src/ui/text.ts'

const IMAGE: ImageProcessConfig = {
  Env: ['PATH=/bin', 'LANG=C'],
  Entrypoint: ['/entry'],
  Cmd: ['serve'],
  WorkingDir: '/srv',
  User: 'app',
  Labels: { from: 'image' },
  StopSignal: 'SIGQUIT',
}

const anyImage = fc.constantFrom<ImageProcessConfig>(
  IMAGE,
  {},
  { Cmd: ['sh'] },
  { Entrypoint: ['/entry', '-x'], Healthcheck: { Test: ['CMD', 'probe', 'it now'], Interval: 1e9, Retries: 2 } },
  { Cmd: ['sh'], Healthcheck: { Test: ['CMD-SHELL', 'probe it'], Timeout: 1e9 }, Shell: ['/bin/bash', '-c'] },
  { Cmd: ['sh'], Healthcheck: { Test: ['NONE'] }, Volumes: { '/data': {} } },
)

/** As the record of a container keeps them. */
function stored(settings: ContainerSettings, image: ImageProcessConfig) {
  const { Healthcheck, ...merged } = mergeImage(settings.config, image)
  // Only zeros were given, and they mean the same as nothing.
  const unchecked = Object.keys(Healthcheck ?? {}).length === 0
  const config = { ...merged, ...(!unchecked && { Healthcheck }) } as ContainerConfig
  return { config, host: settings.host, platform: settings.platform, argv: commandLine(config) }
}

function wordsOf(flags: RunFlags, command: readonly string[], image = IMAGE): readonly string[] {
  const settings = stored(parseRunRequest({ image: 'app:1', command, flags }), image)
  return commandWords({ name: 'web', imageName: 'app:1', settings }, image)
}

/** What the CLI makes of the words. */
function readBack([, ...words]: readonly string[]): ContainerSettings {
  const { flags, positional } = parseCommandLine(words, { flags: runFlags, stopAtFirstArgument: true })
  const [image = '', ...command] = positional
  return parseRunRequest({ image, command, flags: flags as RunFlags })
}

const word = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => !/[\0]/.test(text))
const name = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/)
const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined })
const some = <Value>(value: fc.Arbitrary<Value>) => optional(fc.array(value, { minLength: 1, maxLength: 3 }))
const path = fc.stringMatching(/^\/[a-z]{1,6}(\/[a-z "',]{1,5}[a-z]){0,2}$/)

const values = {
  detach: optional(fc.boolean()),
  interactive: optional(fc.boolean()),
  tty: optional(fc.boolean()),
  env: some(fc.tuple(name, word).map(([key, value]) => `${key}=${value}`)),
  label: some(fc.tuple(name, word).map(([key, value]) => `${key}=${value}`)),
  hostname: optional(name),
  user: optional(name),
  workdir: optional(path),
  entrypoint: optional(word),
  'stop-signal': optional(fc.constantFrom('SIGUSR1', 'SIGQUIT', '9')),
  'stop-timeout': optional(fc.nat(100).map(String)),
  restart: optional(fc.constantFrom('no', 'always', 'unless-stopped', 'on-failure', 'on-failure:4')),
  memory: optional(fc.integer({ min: 8, max: 4000 }).map((size) => `${size}m`)),
  'memory-reservation': optional(fc.constant('7m')),
  'memory-swappiness': optional(fc.constantFrom('0', '60')),
  cpus: optional(fc.constantFrom('0.5', '1', '0.125')),
  'cpu-shares': optional(fc.constantFrom('0', '512')),
  'cpuset-cpus': optional(fc.constant('0')),
  'pids-limit': optional(fc.constantFrom('-1', '50')),
  'shm-size': optional(fc.constantFrom('64m', '1g')),
  'oom-score-adj': optional(fc.constantFrom('-500', '500')),
  ulimit: some(fc.constantFrom('nofile=100:200', 'nproc=50')),
  'cap-add': some(fc.constantFrom('NET_ADMIN', 'ALL')),
  'cap-drop': some(fc.constantFrom('CHOWN', 'ALL')),
  'security-opt': some(fc.constantFrom('no-new-privileges', 'seccomp=unconfined', 'systempaths=unconfined')),
  sysctl: some(fc.constantFrom('net.core.somaxconn=10', 'kernel.msgmax=100')),
  device: some(fc.constantFrom('/dev/fuse', '/dev/null:/dev/other:r')),
  privileged: optional(fc.boolean()),
  'read-only': optional(fc.boolean()),
  init: optional(fc.boolean()),
  volume: some(
    fc
      .tuple(
        fc.stringMatching(/^\/[a-z]{1,6}$/),
        fc.stringMatching(/^\/[a-z]{1,6}$/),
        fc.constantFrom('', ':ro', ':ro,rslave', ':O', ':idmap', ':idmap=uids=0-5-1;gids=0-6-2#4-1-1'),
      )
      .map(([from, to, mode]) => `${from}:${to}${mode}`),
  ),
  mount: some(
    fc.oneof(
      path.map((source) => `type=bind,"source=${source.replaceAll('"', '""')}",target=/here,readonly`),
      fc.constant('type=tmpfs,target=/tmp,tmpfs-size=1m,tmpfs-mode=1777'),
      fc.constant('type=bind,source=/a,target=/b,bind-recursive=writable,readonly'),
      fc.constant('type=bind,source=/a,target=/b,idmap'),
      fc.constant('source=data,target=/b,volume-subpath=a/b,volume-nocopy'),
    ),
  ),
  tmpfs: some(fc.constantFrom('/run', '/run/x:size=1m,exec')),
  dns: some(fc.constantFrom('1.1.1.1', '::1')),
  'add-host': some(fc.constant('db:10.0.0.1')),
  'allow-net': some(fc.constantFrom('registry.example:443', '*.debian.org:80/tcp', '10.0.0.0/8')),
  'deny-net': some(fc.constantFrom('10.1.0.0/16', 'bad.example')),
  'allow-read': some(fc.constantFrom('/etc', '/usr/bin,/etc/hostname')),
  'allow-write': some(fc.constantFrom('/var/tmp', '')),
  'allow-env': some(fc.constantFrom('PATH', 'PA*', '')),
  'deny-read': some(fc.constantFrom('/etc/ssl', '/a b,/c')),
  'deny-write': some(fc.constant('/etc/ssl')),
  'deny-env': some(fc.constantFrom('PATH', 'X*')),
  network: optional(
    fc.constantFrom('none', 'host', 'bridge', [
      'one',
      'name=two,ip=10.0.0.5,alias=a,alias=b,mac-address=02:42:0a:00:00:05',
    ]),
  ),
  'network-rate': optional(fc.constantFrom('10mbit', 'none', 'egress=1.5mbps,ingress=none', '65537')),
  'network-alias': some(fc.constantFrom('db', 'cache')),
  ip: optional(fc.constant('10.0.0.4')),
  ip6: optional(fc.constant('fd00::4')),
  link: some(fc.constantFrom('db', 'cache:c')),
  publish: some(fc.constantFrom('80', '8080:80', '127.0.0.1::90/udp', '[::1]:7000-7001:70-71')),
  'publish-all': optional(fc.boolean()),
  expose: some(fc.constantFrom('80', '100-102/udp')),
  'group-add': some(name),
  annotation: some(fc.tuple(name, word).map(([key, value]) => `${key}=${value}`)),
  attach: some(fc.constantFrom('stdin', 'STDOUT', 'stderr')),
  rm: optional(fc.boolean()),
  domainname: optional(name),
  'mac-address': optional(fc.constant('92:d0:c6:0a:29:33')),
  platform: optional(fc.constantFrom('linux/arm64', 'wasi/wasm')),
  timeout: optional(fc.constantFrom('5', '1h30m', '0.5s')),
  'wasi-engine': optional(fc.constantFrom('preview1', 'wasmer')),
  'wasi-clock': optional(fc.constantFrom('2026-01-31T12:00:00.5Z', '0.000000001', '1700000000')),
  'wasi-seed': optional(word),
  runtime: optional(fc.constantFrom('runc', '/usr/bin/crun')),
  'health-cmd': optional(word),
  'health-interval': optional(fc.constantFrom('0', '1m30s', '5ms')),
  'health-timeout': optional(fc.constantFrom('0s', '2s')),
  'health-start-period': optional(fc.constantFrom('0s', '1h')),
  'health-start-interval': optional(fc.constant('100ms')),
  'health-retries': optional(fc.constantFrom('0', '7')),
  'health-on-failure': optional(fc.constantFrom('none', 'kill', 'stop', 'restart')),
  'no-healthcheck': fc.constantFrom(undefined, undefined, undefined, true),
  'log-driver': optional(fc.constantFrom('json-file', 'local', 'none')),
  'log-opt': some(fc.constantFrom('max-size=10m', 'max-file=3', 'tag={{.Name}} x', 'labels=a,b')),
  'memory-swap': optional(fc.constantFrom('-1', '9g')),
  'oom-kill-disable': optional(fc.boolean()),
  'cpu-period': optional(fc.constant('50000')),
  'cpu-quota': optional(fc.constantFrom('-1', '25000')),
  'cpuset-mems': optional(fc.constant('0')),
  'blkio-weight': optional(fc.constantFrom('0', '300')),
  'blkio-weight-device': some(fc.constant('/dev/sda:200')),
  'device-read-bps': some(fc.constant('/dev/sda:1mb')),
  'device-write-bps': some(fc.constant('/dev/sda:1024')),
  'device-read-iops': some(fc.constant('/dev/sda:1000')),
  'device-write-iops': some(fc.constant('/dev/sdb:10')),
  'device-cgroup-rule': some(fc.constantFrom('c 1:3 rwm', 'b *:* r')),
  'cgroup-parent': optional(fc.constantFrom('teams', '/teams/blue')),
  cgroupns: optional(fc.constantFrom('host', 'private')),
  'dns-option': some(fc.constant('ndots:2')),
  'dns-search': some(fc.constantFrom('example.com', '.')),
  ipc: optional(fc.constantFrom('host', 'private', 'shareable', 'none', 'container:other')),
  pid: optional(fc.constantFrom('host', 'container:other')),
  uts: optional(fc.constant('host')),
  userns: optional(fc.constant('host')),
} satisfies { readonly [Name in keyof RunFlags]: fc.Arbitrary<RunFlags[Name]> }

/** Few at a time, because many contradict each other; every one in its turn. */
const anyFlags: fc.Arbitrary<RunFlags> = fc
  .subarray(Object.keys(values) as (keyof typeof values)[], { maxLength: 12 })
  .chain(
    (chosen) => fc.record(Object.fromEntries(chosen.map((flag) => [flag, values[flag]]))) as fc.Arbitrary<RunFlags>,
  )

/** Those that leave no trace in the container: where its settings come from, and how the command itself behaves. */
const WITHOUT_TRACE = [
  'allow-all', // what is granted by it is shown by name
  'cidfile',
  'debug-plan',
  'detach-keys',
  'env-file',
  'label-file',
  'name',
  'pull',
  'quiet',
  'sig-proxy',
  'volumes-from', // what comes from there is shown as mounts of its own
]

describe('inspect --as-command', () => {
  const tried = new Set<string>()

  it('is a line that makes the same container again, whatever it was made with', () => {
    fc.assert(
      fc.property(anyFlags, fc.array(word, { maxLength: 3 }), anyImage, (flags, command, image) => {
        const settings = attempt(() => parseRunRequest({ image: 'app:1', command, flags }))
        fc.pre(settings !== undefined)
        const original = attempt(() => stored(settings, image))
        fc.pre(original !== undefined)
        const again = readBack(commandWords({ name: 'web', imageName: 'app:1', settings: original }, image))
        assert.deepEqual(stored(again, image), original)
        for (const flag of Object.keys(flags)) tried.add(flag)
      }),
      { numRuns: 1000 },
    )
    assert.deepEqual([...tried].sort(), Object.keys(values).sort(), 'every flag came to its turn')
  })

  it('knows every flag of run', () => {
    assert.deepEqual([...Object.keys(values), ...WITHOUT_TRACE].sort(), Object.keys(runFlags).sort())
  })

  it('leaves out what the image says by itself', () => {
    assert.equal(shellLine(wordsOf({}, [])), 'run --name=web app:1')
    assert.equal(shellLine(wordsOf({ user: 'app', env: ['LANG=C'] }, ['serve'])), 'run --name=web app:1')
  })

  it('quotes for a shell', () => {
    assert.equal(
      shellLine(wordsOf({ env: ["A=it's $HOME"], restart: 'always' }, ['sh', '-c', 'a; b'])),
      "run --name=web '--env=A=it'\\''s $HOME' --restart=always app:1 sh -c 'a; b'",
    )
  })
})

/** Flags that contradict each other are docker's to refuse, and nothing to write back. */
function attempt<Value>(work: () => Value): Value | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { ContainerSettings } from '../../../src/containers/config.ts'
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

/** As the record of a container keeps them. */
function stored(settings: ContainerSettings, image: ImageProcessConfig) {
  const config = mergeImage(settings.config, image)
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

const anyFlags: fc.Arbitrary<RunFlags> = fc.record({
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
        fc.constantFrom('', ':ro', ':ro,rslave'),
      )
      .map(([from, to, mode]) => `${from}:${to}${mode}`),
  ),
  mount: some(
    fc.oneof(
      path.map((source) => `type=bind,"source=${source.replaceAll('"', '""')}",target=/here,readonly`),
      fc.constant('type=tmpfs,target=/tmp,tmpfs-size=1m,tmpfs-mode=1777'),
      fc.constant('type=bind,source=/a,target=/b,bind-recursive=writable,readonly'),
    ),
  ),
  tmpfs: some(fc.constantFrom('/run', '/run/x:size=1m,exec')),
  dns: some(fc.constantFrom('1.1.1.1', '::1')),
  'add-host': some(fc.constant('db:10.0.0.1')),
  network: optional(fc.constantFrom('none', 'container:other')),
  'group-add': some(name),
  annotation: some(fc.tuple(name, word).map(([key, value]) => `${key}=${value}`)),
})

describe('inspect --as-command', () => {
  it('is a line that makes the same container again, whatever it was made with', () => {
    fc.assert(
      fc.property(anyFlags, fc.array(word, { maxLength: 3 }), (flags, command) => {
        const settings = attempt(() => parseRunRequest({ image: 'app:1', command, flags }))
        fc.pre(settings !== undefined)
        const original = stored(settings, IMAGE)
        const again = readBack(commandWords({ name: 'web', imageName: 'app:1', settings: original }, IMAGE))
        assert.deepEqual(stored(again, IMAGE), original)
      }),
      { numRuns: 300 },
    )
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

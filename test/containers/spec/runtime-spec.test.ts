import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { ALL_CAPABILITIES } from '../../../src/containers/spec/capabilities.ts'
import { containerDevices } from '../../../src/containers/spec/devices.ts'
import { commandLine, mergeImage } from '../../../src/containers/spec/merge-image.ts'
import { makeSpec, type SpecInput } from '../../../src/containers/spec/runtime-spec.ts'
import { resolveUser } from '../../../src/containers/spec/users.ts'
import type { RunFlags } from '../../../src/containers/types.ts'
import type { ImageProcessConfig } from '../../../src/oci/descriptor.ts'
import type { RuntimeSpec } from '../../../src/oci/runtime-spec.ts'
import { settingsOf } from '../../support/containers.ts'
import { assertGolden } from '../../support/golden.ts'

interface Case {
  readonly flags?: RunFlags
  readonly command?: readonly string[]
  readonly image?: ImageProcessConfig
  readonly input?: Partial<SpecInput>
}

/** The document for `run FLAGS IMAGE COMMAND` on a host that is the same everywhere. */
function specOf({ flags = {}, command = [], image = { Cmd: ['sh'] }, input = {} }: Case): RuntimeSpec {
  const { config, host } = settingsOf(flags, command)
  const merged = mergeImage(config, image)
  return makeSpec({
    id: `0123456789ab${'c'.repeat(52)}`,
    config: merged,
    host,
    argv: commandLine(merged),
    user: resolveUser(merged.User, host.GroupAdd, { passwd: 'root:x:0:0::/root:\napp:x:7:8::/app:\n', group: '' }),
    directory: '/data/containers/0123456789ab',
    volumes: [],
    devices: host.Privileged ? { nodes: [], rules: [{ allow: true, access: 'rwm' }] } : containerDevices(host),
    seccomp: undefined,
    hostHostname: 'the-host',
    joined: {},
    idMappings: undefined,
    ...input,
  })
}

const GOLDEN: Readonly<Record<string, Case>> = {
  default: {},
  privileged: { flags: { privileged: true } },
  limits: {
    flags: {
      memory: '64m',
      'memory-reservation': '32m',
      cpus: '0.5',
      'cpu-shares': '512',
      'cpuset-cpus': '0',
      'pids-limit': '20',
      'blkio-weight': '300',
      'oom-score-adj': '500',
      ulimit: ['nofile=64:128', 'core=0'],
    },
  },
  mounts: {
    flags: {
      volume: ['/srv/data:/data:ro', '/srv/data/deep:/data/deep/er'],
      mount: [
        'type=bind,source=/etc,target=/host-etc,bind-recursive=disabled',
        'type=tmpfs,target=/scratch,tmpfs-size=1m',
      ],
      tmpfs: ['/run:exec,size=64k'],
      'read-only': true,
      'shm-size': '1m',
    },
    image: { Cmd: ['sh'], WorkingDir: '/work' },
  },
  shared: {
    flags: { network: 'host', ipc: 'host', pid: 'host', uts: 'host', cgroupns: 'host' },
  },
  rootless: {
    flags: { network: 'host' },
    input: {
      idMappings: {
        uids: [{ containerID: 0, hostID: 1000, size: 1 }],
        gids: [{ containerID: 0, hostID: 1000, size: 1 }],
      },
    },
  },
  module: {
    flags: { env: ['A=flag'] },
    image: { Entrypoint: ['/app.wasm'], Env: ['B=image'] },
    input: { isModule: true },
  },
  process: {
    flags: {
      tty: true,
      env: ['A=flag', 'PATH=/bin'],
      user: 'app',
      workdir: '/tmp',
      hostname: 'here',
      domainname: 'example.org',
      'cap-drop': ['ALL'],
      'cap-add': ['NET_ADMIN'],
      'security-opt': ['no-new-privileges', 'systempaths=unconfined'],
      sysctl: ['net.ipv4.ip_forward=1'],
      annotation: ['a=b'],
    },
    command: ['--help'],
    image: { Entrypoint: ['/app'], Cmd: ['ignored'], Env: ['A=image', 'B=image'], User: 'root' },
  },
}

describe('makeSpec', () => {
  for (const [name, given] of Object.entries(GOLDEN))
    it(`writes what docker would: ${name}`, () => {
      assertGolden(join(import.meta.dirname, '../golden', `${name}.json`), specOf(given))
    })

  it('gives the 14 capabilities of docker, and none in force to another user than root', () => {
    const root = specOf({}).process?.capabilities
    assert.equal(root?.effective?.length, 14)
    assert.equal(root?.inheritable, undefined)
    const other = specOf({ flags: { user: '1' } }).process?.capabilities
    assert.equal(other?.bounding?.length, 14)
    assert.equal(other?.effective, undefined)
  })

  it('adds and drops capabilities as docker does', () => {
    const bounding = (flags: RunFlags) => specOf({ flags }).process?.capabilities?.bounding
    assert.deepEqual(bounding({ 'cap-drop': ['all'] }), [])
    assert.deepEqual(bounding({ 'cap-drop': ['ALL'], 'cap-add': ['chown'] }), ['CAP_CHOWN'])
    assert.equal(bounding({ 'cap-add': ['ALL'], 'cap-drop': ['SYS_ADMIN'] })?.length, ALL_CAPABILITIES.length - 1)
    assert.equal(bounding({ privileged: true })?.length, ALL_CAPABILITIES.length)
  })

  it('mounts parents before children, and leaves out defaults that the user covers', () => {
    const mounts = specOf({ flags: { volume: ['/a:/dev', '/b:/x/y', '/c:/x'], tmpfs: ['/etc/hosts2'] } }).mounts ?? []
    const targets = mounts.map((mount) => mount.destination)
    assert(targets.indexOf('/x') < targets.indexOf('/x/y'))
    assert.deepEqual(
      targets.filter((target) => target.startsWith('/dev')),
      ['/dev'],
    )
  })
})

describe('mergeImage', () => {
  const image: ImageProcessConfig = { Entrypoint: ['/entry'], Cmd: ['argument'] }
  const line = (flags: RunFlags, command: readonly string[], from = image) =>
    commandLine(mergeImage(settingsOf(flags, command).config, from))

  it('combines entry points and arguments as docker does', () => {
    assert.deepEqual(line({}, []), ['/entry', 'argument'])
    assert.deepEqual(line({}, ['own']), ['/entry', 'own'])
    assert.deepEqual(line({ entrypoint: '/own' }, []), ['/own'])
    assert.deepEqual(line({ entrypoint: '' }, ['own']), ['own'])
    assert.throws(() => line({ entrypoint: '' }, []), /no command specified/)
    assert.throws(() => line({}, [], {}), /no command specified/)
  })

  it('drops entries of an environment that exec could not pass on', () => {
    const { Env } = mergeImage(settingsOf().config, { Env: ['=x', 'A\0=x', 'B=x\0', 'NAME', 'FINE=1\n2'] })
    assert.deepEqual(Env, ['FINE=1\n2'])
  })
})

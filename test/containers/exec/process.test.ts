import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import type { ContainerConfig, HostConfig } from '../../../src/containers/config.ts'
import { execProcess } from '../../../src/containers/exec/process.ts'
import type { ContainerRecord } from '../../../src/containers/records.ts'
import type { ExecRequest } from '../../../src/containers/types.ts'
import type { ProcessSpec } from '../../../src/plugins/contract.ts'

const FILES: Readonly<Record<string, string>> = {
  '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nwww:x:33:33::/srv/www:/bin/sh\n',
  '/etc/group': 'root:x:0:\nwww:x:33:\nadm:x:4:www\n',
}

const FIRST: ProcessSpec = {
  args: ['server'],
  cwd: '/srv',
  env: ['PATH=/bin', 'HOSTNAME=web', 'TERM=xterm', 'A=1', 'HOME=/srv/www'],
  user: { uid: 33, gid: 33 },
  capabilities: { bounding: ['CAP_CHOWN'] },
  rlimits: [{ type: 'RLIMIT_NOFILE', soft: 10, hard: 20 }],
  noNewPrivileges: true,
  terminal: true,
}

interface Given {
  readonly config?: Partial<ContainerConfig>
  readonly request?: Partial<ExecRequest>
}

function describeProcess({ config, request }: Given = {}): ProcessSpec {
  const settings = {
    config: { User: 'www', WorkingDir: '/srv', Env: ['A=1'], ...config } as ContainerConfig,
    host: { GroupAdd: [] as readonly string[] } as HostConfig,
  } as ContainerRecord['settings']
  return execProcess({
    record: { settings },
    container: { spec: { ociVersion: '1.1.0', process: FIRST } },
    request: { command: ['id'], ...request },
    files: { read: (path) => FILES[path] ?? '' },
  })
}

describe('execProcess', () => {
  it('is what the first process is: user, directory, limits, and what it may not gain', () => {
    const { user, cwd, rlimits, noNewPrivileges, args } = describeProcess()
    assert.deepEqual(
      { user, cwd, args },
      { user: { uid: 33, gid: 33, additionalGids: [33, 4] }, cwd: '/srv', args: ['id'] },
    )
    assert.deepEqual(rlimits, FIRST.rlimits)
    assert.equal(noNewPrivileges, true)
  })

  it('has the variables of the container, and a home and a terminal of its own', () => {
    assert.deepEqual(describeProcess().env, ['PATH=/bin', 'HOSTNAME=web', 'A=1', 'HOME=/srv/www'])
    const { env } = describeProcess({ request: { user: 'root', tty: true } })
    assert.deepEqual(env, ['PATH=/bin', 'HOSTNAME=web', 'TERM=xterm', 'A=1', 'HOME=/root'])
  })

  it('adds and replaces variables, and takes away one that is named without a value', () => {
    const { env = [] } = describeProcess({ request: { env: ['A=2', 'B=3', 'HOSTNAME'] } })
    assert.deepEqual(env, [
      'PATH=/bin',
      ...(process.env['HOSTNAME'] ? [`HOSTNAME=${process.env['HOSTNAME']}`] : []),
      'A=2',
      'B=3',
      'HOME=/srv/www',
    ])
  })

  it('gives root what the container may do, and others nothing', () => {
    assert.deepEqual(describeProcess().capabilities, { bounding: ['CAP_CHOWN'] })
    const root = describeProcess({ request: { user: '0' } }).capabilities
    assert.deepEqual(root, { bounding: ['CAP_CHOWN'], effective: ['CAP_CHOWN'], permitted: ['CAP_CHOWN'] })
  })

  it('gives all capabilities with --privileged', () => {
    const { effective = [] } = describeProcess({ request: { user: '0', privileged: true } }).capabilities ?? {}
    assert(effective.includes('CAP_SYS_ADMIN') && effective.length > 35)
  })

  it('does not know a user that the container does not know', () => {
    assert.throws(() => describeProcess({ request: { user: 'nobody-there' } }), /unable to find user nobody-there/)
  })
})

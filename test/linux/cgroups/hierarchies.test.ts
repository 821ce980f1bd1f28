import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { parseHierarchies } from '../../../src/linux/cgroups/hierarchies.ts'

function parse(mountinfo: string[], selfCgroup: string[], controllers = '') {
  const texts = { mountinfo: mountinfo.join('\n'), selfCgroup: selfCgroup.join('\n') }
  return parseHierarchies({ ...texts, controllersOf: () => controllers })
}

const mount = (root: string, at: string, rest: string) => `31 23 0:28 ${root} ${at} rw,relatime shared:9 - ${rest}`

describe('parseHierarchies', () => {
  it('reads version 1, controllers that are mounted together and named hierarchies', () => {
    const found = parse(
      [
        mount('/', '/sys/fs/cgroup', 'tmpfs tmpfs rw,mode=755'),
        mount('/', '/sys/fs/cgroup/cpu,cpuacct', 'cgroup cgroup rw,cpu,cpuacct'),
        mount('/', '/sys/fs/cgroup/systemd', 'cgroup cgroup rw,xattr,name=systemd'),
      ],
      ['3:cpu,cpuacct:/user', '1:name=systemd:/a:b', '0::/'],
    )
    assert.deepEqual(found, [
      { version: 1, controllers: ['cpu', 'cpuacct'], mount: '/sys/fs/cgroup/cpu,cpuacct', self: '/user' },
      { version: 1, controllers: ['name=systemd'], mount: '/sys/fs/cgroup/systemd', self: '/a:b' },
    ])
  })

  it('reads version 2 with what it controls', () => {
    const [only] = parse([mount('/', '/sys/fs/cgroup', 'cgroup2 cgroup2 rw')], ['0::/user.slice'], 'cpu memory pids\n')
    const controllers = ['cpu', 'memory', 'pids']
    assert.deepEqual(only, { version: 2, controllers, mount: '/sys/fs/cgroup', self: '/user.slice' })
  })

  it('reads a hybrid host as both', () => {
    const found = parse(
      [mount('/', '/c/memory', 'cgroup cgroup rw,memory'), mount('/', '/c/unified', 'cgroup2 cgroup2 rw')],
      ['2:memory:/', '0::/'],
      'hugetlb',
    )
    assert.deepEqual(
      found.map(({ version, controllers }) => [version, ...controllers]),
      [
        [1, 'memory'],
        [2, 'hugetlb'],
      ],
    )
  })

  it('sees paths from where a mount begins, and takes no sibling for a child', () => {
    const self = (path: string) =>
      parse([mount('/docker/abc', '/c/memory', 'cgroup cgroup rw,memory')], [`2:memory:${path}`])[0]?.self
    assert.deepEqual(['/docker/abc', '/docker/abc/sub', '/docker/abcdef'].map(self), ['/', '/sub', '/docker/abcdef'])
  })

  it('counts a hierarchy that is mounted twice once', () => {
    const found = parse(
      [mount('/', '/c/memory', 'cgroup cgroup rw,memory'), mount('/', '/chroot/memory', 'cgroup cgroup rw,memory')],
      ['2:memory:/'],
    )
    assert.deepEqual(
      found.map(({ mount: at }) => at),
      ['/c/memory'],
    )
  })
})

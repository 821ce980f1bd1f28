import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { containerGroups } from '../../../src/linux/cgroups/groups.ts'
import type { Hierarchy } from '../../../src/linux/cgroups/hierarchies.ts'

function v1(name: string, self = '/'): Hierarchy {
  return { version: 1, controllers: [name], mount: `/sys/fs/cgroup/${name.replace(/^name=/, '')}`, self }
}

function paths(...hierarchies: Hierarchy[]): string[] {
  return containerGroups('/coracle/c', hierarchies).map(({ path }) => path)
}

describe('containerGroups', () => {
  it('lie below the caller’s own in every hierarchy of version 1, so that no view of one begins at the host’s', () => {
    assert.deepEqual(paths(v1('memory', '/limited'), v1('name=systemd', '/user.slice'), v1('rdma')), [
      '/sys/fs/cgroup/memory/limited/coracle/c',
      '/sys/fs/cgroup/systemd/user.slice/coracle/c',
      '/sys/fs/cgroup/rdma/coracle/c',
    ])
  })

  it('leave the unified part of a hybrid host alone', () => {
    const unified: Hierarchy = { version: 2, controllers: ['hugetlb'], mount: '/sys/fs/cgroup/unified', self: '/' }
    assert.deepEqual(paths(v1('pids'), unified), ['/sys/fs/cgroup/pids/coracle/c'])
  })

  it('never lead out by their path', () => {
    for (const path of ['/coracle/../../x', '..', '/coracle/c/..'])
      assert.throws(() => containerGroups(path, [v1('pids')]), TypeError)
  })
})

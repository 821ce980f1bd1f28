import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { openCgroupControl } from '../../../src/linux/cgroups/control.ts'
import { containerGroups, findGroup } from '../../../src/linux/cgroups/groups.ts'
import { readHierarchies } from '../../../src/linux/cgroups/hierarchies.ts'
import { hierarchiesOfContainer } from '../../../src/linux/cgroups/members.ts'
import { needsRoot } from '../../support/needs-root.ts'

describe('the groups of a container', () => {
  it('are found also by those who are in other groups than its starter was', async function () {
    needsRoot(this)
    const memory = readHierarchies().find(({ version, controllers }) => version === 1 && controllers.includes('memory'))
    if (memory === undefined) {
      console.log('skipped: in version 2 the groups of root’s containers are below the root, whoever starts them')
      return this.skip()
    }
    const starter = join(memory.mount, memory.self, `coracle-test-${process.pid}`)
    const path = `/coracle/${'d'.repeat(64)}`
    const group = join(starter, path)
    mkdirSync(group, { recursive: true })
    const child = spawn('sleep', ['1000'])
    try {
      await once(child, 'spawn')
      writeFileSync(join(group, 'cgroup.procs'), String(child.pid))
      const found = findGroup(containerGroups(path, hierarchiesOfContainer(child.pid ?? 0, path)), 'memory')
      assert.equal(found?.path, group)
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
      await openCgroupControl(path, [{ ...memory, self: join(memory.self, `coracle-test-${process.pid}`) }]).destroy()
      rmdirSync(starter) // what was between them went with the group
    }
    assert(!existsSync(starter))
  })

  it('are ours to look for when the process is gone', () => {
    assert.deepEqual(hierarchiesOfContainer(2 ** 30, '/coracle/x'), readHierarchies())
  })
})

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, before, beforeEach, describe, it } from 'mocha'
import { openCgroupControl } from '../../../src/linux/cgroups/control.ts'
import { containerGroups } from '../../../src/linux/cgroups/groups.ts'
import { needsRoot } from '../../support/needs-root.ts'

const PARENT = `/coracle-test-${process.pid}`
const PATH = `${PARENT}/container`

describe('the control groups of a container', () => {
  let sleeper: ChildProcess
  const paths = () => containerGroups(PATH).map(({ path }) => path)

  before(function () {
    needsRoot(this)
  })

  beforeEach(async () => {
    for (const { hierarchy, path } of containerGroups(PATH)) {
      mkdirSync(path, { recursive: true })
      if (!hierarchy.controllers.includes('cpuset') || hierarchy.version === 2) continue
      for (const file of ['cpuset.cpus', 'cpuset.mems']) {
        const value = readFileSync(join(dirname(dirname(path)), file), 'utf8')
        for (const group of [dirname(path), path]) writeFileSync(join(group, file), value)
      }
    }
    sleeper = spawn('sleep', ['1000'], { stdio: 'ignore' })
    await once(sleeper, 'spawn')
    for (const path of paths()) writeFileSync(join(path, 'cgroup.procs'), String(sleeper.pid))
  })

  afterEach(async () => {
    // Listened for before, for it may end before its groups do.
    const exit = (sleeper.exitCode ?? sleeper.signalCode) === null ? once(sleeper, 'exit') : undefined
    await openCgroupControl(PATH).destroy()
    await exit
    for (const { path } of containerGroups(PARENT)) if (existsSync(path)) rmdirSync(path)
  })

  it('freeze, thaw and count what is in them', async () => {
    const control = openCgroupControl(PATH)
    const states = () =>
      paths().flatMap((path) =>
        ['freezer.state', 'cgroup.freeze']
          .map((name) => join(path, name))
          .filter((file) => existsSync(file))
          .map((file) => readFileSync(file, 'utf8').trim()),
      )
    await control.freeze()
    assert.match(states().join(), /^(FROZEN|1)$/)
    await control.thaw()
    assert.match(states().join(), /^(THAWED|0)$/)
    assert.equal((await control.usage()).pids, 1)
  })

  it('go with their members and with groups made inside, even frozen, and may go twice', async () => {
    for (const path of paths()) mkdirSync(join(path, 'inner/most'), { recursive: true })
    const control = openCgroupControl(PATH)
    await control.freeze()
    const exit = once(sleeper, 'exit')
    await control.destroy()
    assert.deepEqual(await exit, [null, 'SIGKILL'])
    assert.deepEqual(
      paths().filter((path) => existsSync(path)),
      [],
    )
    await control.destroy()
  })

  it('take the group of all containers along when they were the last, and no other parent', async () => {
    const OWN = '/coracle'
    const existed = containerGroups(OWN).some(({ path }) => existsSync(path))
    for (const { path } of containerGroups(`${OWN}/test-${process.pid}`)) mkdirSync(path, { recursive: true })
    await openCgroupControl(`${OWN}/test-${process.pid}`).destroy()
    assert.equal(
      containerGroups(OWN).some(({ path }) => existsSync(path)),
      existed,
    )
    await openCgroupControl(PATH).destroy()
    assert(containerGroups(PARENT).every(({ path }) => existsSync(path)))
  })

  it('take a higher limit than the one they had for memory and swap together', async () => {
    const control = openCgroupControl(PATH)
    const MIB = 1_048_576
    for (const [limit, swap] of [
      [64, 96],
      [256, 512],
      [32, 64],
    ] as const) {
      await control.update({ memory: { limit: limit * MIB, swap: swap * MIB } })
      assert.equal((await control.usage()).memoryLimitBytes, limit * MIB)
    }
  })
})

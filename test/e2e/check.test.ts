import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { containerGroups } from '../../src/linux/cgroups/groups.ts'
import type { CheckReport, Finding } from '../../src/state/findings.ts'
import { readProcessIdentity } from '../../src/util/process-identity.ts'
import { type Coracle, IMAGE, type Outcome, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { processesOf } from '../support/processes.ts'
import { until } from '../support/until.ts'

/** What nobody has made just now: the clock of the command is an hour ahead. */
const LATER = {
  NODE_OPTIONS: `--import=${join(import.meta.dirname, '../faults/clock-jump.ts')}`,
  CLOCK_JUMP_MS: '3600000',
}

describe('system check', () => {
  let coracle: Coracle
  before(function () {
    needsRoot(this)
    coracle = openCoracle()
    check('--repair') // control groups that somebody has left on this host
  })
  after(() => coracle?.close())

  const at = (...words: string[]) => join(coracle.directory, 'root', ...words)
  const check = (...flags: string[]): Outcome => coracle.run(['system', 'check', ...flags], { env: LATER })
  const findings = (...flags: string[]): readonly Finding[] =>
    (JSON.parse(check('--format', 'json', ...flags).stdout) as CheckReport).findings
  const largest = (directory: string) =>
    readdirSync(directory)
      .map((name) => join(directory, name))
      .toSorted((left, right) => readFileSync(right).length - readFileSync(left).length)[0] ?? ''
  const snapshot = () => join(at('snapshots'), readdirSync(at('snapshots'))[0] ?? '')

  it('finds nothing wrong where nothing is, with containers in every state', () => {
    coracle.output('run', '-d', '--name', 'runs', IMAGE, 'sleep', '1000')
    coracle.output('create', '--name', 'made', IMAGE, 'true')
    coracle.run(['run', '--name', 'ended', IMAGE, 'sh', '-c', 'exit 3'])
    const { status, stdout } = check()
    coracle.output('rm', '-f', 'runs', 'made', 'ended')
    assert.equal(status, 0, stdout)
    assert.match(stdout, /^Checked 1 image, 3 blobs, 1 snapshot \(\d+ files\), 3 containers: all is well\n$/)
  })

  it('unpacks a layer again whose directory is gone', () => {
    const path = snapshot()
    rmSync(path, { recursive: true })
    assert.equal(findings()[0]?.kind, 'missing-snapshot')
    assert.equal(existsSync(path), false, 'it mends nothing unless it is asked to')

    assert.match(check('--repair').stdout, /missing-snapshot: .* \[unpacked again\]\n.*1 mended/)
    assert.equal(check().status, 0)
    assert.equal(coracle.output('run', '--rm', IMAGE, 'echo', 'whole'), 'whole')
  })

  it('unpacks a layer again that has lost or changed files, but not below a container that runs on it', () => {
    coracle.output('run', '-d', '--name', 'user', IMAGE, 'sleep', '1000')
    rmSync(join(snapshot(), 'etc/passwd'))
    assert.match(check('--repair').stdout, /container user runs on it/)
    coracle.output('rm', '-f', 'user')

    assert.equal(check('--repair').status, 0)
    assert(existsSync(join(snapshot(), 'etc/passwd')))
    assert.equal(check().status, 0)
  })

  it('removes what belongs to nobody, and keeps what may be somebody’s data', () => {
    const [empty, full] = ['a'.repeat(64), 'b'.repeat(64)]
    mkdirSync(at('containers', empty, 'upper'), { recursive: true })
    mkdirSync(at('containers', full, 'upper'), { recursive: true })
    writeFileSync(at('containers', full, 'upper', 'thesis'), 'years of work')
    mkdirSync(join(coracle.directory, 'run/c', 'c'.repeat(32)), { recursive: true })
    writeFileSync(at('blobs/partial/.4194305.0.import.tmp'), 'cut off')
    writeFileSync(at('blobs/sha256/notes.txt'), 'a stranger')
    assert.equal(findings().length, 5)
    assert.equal(coracle.run(['system', 'check']).stdout.match(/containers/g)?.length, 1, 'what is young may be in use')

    assert.equal(check('--repair').status, 0)
    assert.deepEqual(readdirSync(at('containers')), [])
    assert.deepEqual(readdirSync(join(coracle.directory, 'run/c')), [])
    assert.equal(readFileSync(at('lost+found', `container-${full}`, 'upper/thesis'), 'utf8'), 'years of work')
    assert.equal(readFileSync(at('lost+found', 'stranger-notes.txt'), 'utf8'), 'a stranger')
    assert.equal(check().status, 0)
  })

  it('removes control groups of containers that do not exist, unless processes are in them', () => {
    const id = `${'d'.repeat(60)}${String(process.pid).padStart(4, '0').slice(-4)}`
    const groups = containerGroups(`/coracle/${id}`).map(({ path }) => path)
    for (const path of groups) mkdirSync(path, { recursive: true })
    assert.equal(check('--repair').status, 0)
    assert.deepEqual(groups.filter(existsSync), [])
  })

  it('finds content that was changed, puts it aside, and says where to get it again', () => {
    const blob = largest(at('blobs/sha256'))
    const bytes = readFileSync(blob)
    chmodSync(blob, 0o600)
    writeFileSync(blob, bytes.with(bytes.length >> 1, (bytes[bytes.length >> 1] ?? 0) ^ 1))
    assert.equal(check('--quick').status, 0, 'the size is right')
    assert.equal(findings()[0]?.kind, 'damaged-blob')

    const { status, stdout } = check('--repair')
    assert.equal(status, 1)
    assert.match(stdout, /missing-blob: .*content of image busybox:test is not in the store; it was made here: import/)
    assert.equal(readdirSync(at('lost+found')).filter((name) => name.startsWith('blob-')).length, 1)
    coracle.output('import', '--change', 'CMD ["sh"]', join(coracle.directory, 'busybox.tar'), IMAGE)
    coracle.output('image', 'prune', '-f')
    assert.equal(check().status, 0, check().stdout)
  })

  it('does not touch what another command is at work on', async () => {
    const child = coracle.start(['run', '--rm', IMAGE, 'sh', '-c', 'echo ready; sleep 0.5'])
    await new Promise((resolve) => child.stdout?.once('data', resolve))
    assert.equal(check('--repair').status, 0)
    const [status] = await new Promise<[number]>((resolve) => child.once('exit', (...args) => resolve(args as never)))
    assert.equal(status, 0)
  })

  it('finds no fault in a container that has ended while its supervisor is about to say so', async () => {
    coracle.output('run', '-d', '--name', 'ending', '--network', 'none', IMAGE, 'sleep', '300')
    const { pid, supervisor } = processesOf(coracle, 'ending')
    process.kill(supervisor, 'SIGSTOP')
    try {
      process.kill(pid, 'SIGKILL')
      await until('it has ended', () => readProcessIdentity(pid) === undefined)
      assert.deepEqual(findings(), [])
    } finally {
      process.kill(supervisor, 'SIGCONT')
    }
    assert.equal(coracle.output('wait', 'ending').trim(), '137')
    coracle.output('rm', 'ending')
  })
})

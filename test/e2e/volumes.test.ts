import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'mocha'
import { advance, findRecord } from '../../src/containers/records.ts'
import { openDatabase, transaction } from '../../src/state/database.ts'
import { deleteVolume } from '../../src/volumes/records.ts'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'

interface Document {
  readonly Name: string
  readonly Mountpoint: string
}

describe('volumes, by the command line', () => {
  let coracle: Coracle

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  afterEach(() => {
    const ids = coracle.output('ps', '-aq').split('\n').filter(Boolean)
    if (ids.length > 0) coracle.output('rm', '-f', ...ids)
    const names = coracle.output('volume', 'ls', '-q').split('\n').filter(Boolean)
    if (names.length > 0) coracle.output('volume', 'rm', ...names)
    assert.deepEqual(coracle.leftovers(), [])
  })
  after(() => coracle?.close())

  const names = (...filters: string[]) =>
    coracle
      .output('volume', 'ls', '-q', ...filters)
      .split('\n')
      .filter(Boolean)
  const inspect = (name: string) => (JSON.parse(coracle.output('volume', 'inspect', name)) as [Document])[0]

  it('are made, listed, inspected and removed', () => {
    assert.equal(coracle.output('volume', 'create', '--label', 'tier=db', 'data'), 'data')
    assert.match(coracle.output('volume', 'create'), /^[0-9a-f]{64}$/)
    assert.deepEqual(names('--filter', 'label=tier=db'), ['data'])
    assert.equal(inspect('data').Name, 'data')
    assert.equal(coracle.output('inspect', '--type', 'volume', '--format', '{{.Labels.tier}}', 'data'), 'db')
    const { Mountpoint } = inspect('data')
    assert.ok(statSync(Mountpoint).isDirectory())
    assert.equal(coracle.output('volume', 'rm', 'data'), 'data')
    assert.ok(!existsSync(join(Mountpoint, '..')))
    assert.match(coracle.run(['volume', 'rm', 'data']).stderr, /get data: no such volume/)
    assert.equal(coracle.output('volume', 'rm', '-f', 'data'), 'data')
  })

  it('are closed to the other users of the host, who would find set-user-id programs there, and open to those of containers', () => {
    coracle.output('volume', 'create', 'data')
    chmodSync(coracle.directory, 0o755)
    const { Mountpoint } = inspect('data')
    assert.notEqual(spawnSync('ls', [Mountpoint], { uid: 65_534, gid: 65_534 }).status, 0)
    coracle.output('run', '--rm', '-u', '65534', '-v', 'data:/d', IMAGE, 'ls', '/d')
  })

  it('have names by which no path leads out', () => {
    for (const name of ['..', '.', 'a/b', '-x/', 'a', '../../etc', 'a b'])
      assert.match(coracle.run(['volume', 'create', '--', name]).stderr, /invalid characters for a local volume name/)
    assert.match(coracle.run(['run', '--rm', '-v', 'a b:/x', IMAGE]).stderr, /invalid characters/)
  })

  it('keep their content over containers, and cannot go while one has them', () => {
    coracle.output('run', '--rm', '-v', 'data:/d', IMAGE, 'sh', '-c', 'echo kept > /d/file')
    assert.equal(coracle.output('run', '--name', 'user', '-v', 'data:/d:ro', IMAGE, 'cat', '/d/file'), 'kept')
    const id = coracle.output('ps', '-aq', '--no-trunc')
    const refused = coracle.run(['volume', 'rm', 'data'])
    assert.equal(refused.status, 1)
    assert.ok(refused.stderr.includes(`volume is in use - [${id}]`), refused.stderr)
    assert.match(refused.stderr, /mounted in user \(exited\)/)
    assert.notEqual(coracle.run(['run', '--rm', '-v', 'data:/d:ro', IMAGE, 'touch', '/d/x']).status, 0)
    assert.equal(coracle.output('inspect', '--format', '{{json .HostConfig.Binds}}', 'user'), '["data:/d:ro"]')
    assert.match(coracle.output('inspect', '--as-command', 'user'), /--volume=data:\/d:ro/)
    assert.equal(coracle.output('inspect', '--format', '{{(index .Mounts 0).Name}}', 'user'), 'data')
  })

  it('go with their container when nobody has named them', () => {
    coracle.output('run', '--rm', '-v', '/d', '-v', 'named:/n', IMAGE, 'true')
    assert.deepEqual(names(), ['named'])
    coracle.output('create', '--name', 'one', '-v', '/d', IMAGE, 'true')
    coracle.output('create', '--name', 'two', '-v', '/d', IMAGE, 'true')
    assert.equal(names('--filter', 'name=named').length, 1)
    assert.equal(names().length, 3)
    coracle.output('rm', 'one')
    coracle.output('rm', '-v', 'two')
    assert.equal(names('--filter', 'dangling=true').length, 2)
    assert.match(coracle.output('volume', 'prune', '-f'), /^Deleted Volumes:\n[0-9a-f]{64}\n/)
    assert.deepEqual(names(), ['named'])
    assert.match(coracle.output('volume', 'prune', '-af'), /named/)
  })

  it('are filled from the image once, unless nocopy says otherwise', () => {
    coracle.output('run', '--rm', '-v', 'etc:/bin', IMAGE, 'true')
    const { Mountpoint } = inspect('etc')
    assert.ok(readdirSync(Mountpoint).includes('busybox'))
    coracle.output('create', '--name', 'bare', '-v', 'bare:/bin:nocopy', IMAGE, 'true')
    assert.deepEqual(readdirSync(inspect('bare').Mountpoint), [])
  })

  it('come along with --volumes-from', () => {
    coracle.output(
      'run',
      '--name',
      'first',
      '-v',
      'data:/d',
      '-v',
      '/anonymous',
      IMAGE,
      'sh',
      '-c',
      'echo a >/anonymous/x',
    )
    assert.equal(coracle.output('run', '--rm', '--volumes-from', 'first:ro', IMAGE, 'cat', '/anonymous/x'), 'a')
    assert.notEqual(coracle.run(['run', '--rm', '--volumes-from', 'first:ro', IMAGE, 'touch', '/d/x']).status, 0)
    assert.equal(names().length, 2)
  })

  it('of the type tmpfs or of a bound directory are mounted in the container alone', () => {
    coracle.output('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=size=1m', 'small')
    assert.match(
      coracle.output('run', '--rm', '-v', 'small:/d', IMAGE, 'grep', ' /d ', '/proc/mounts'),
      /tmpfs.*size=1024k/,
    )
    const bound = inspect('small').Mountpoint
    coracle.output('volume', 'create', '-o', 'type=none', '-o', `device=${bound}`, '-o', 'o=bind', 'bound')
    coracle.output('run', '--rm', '-v', 'bound:/d', IMAGE, 'touch', '/d/there')
    assert.deepEqual(readdirSync(bound), ['there'])
  })

  it('in memory have the size that they are given, and others are refused one', () => {
    coracle.output('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'size=2m', 'small')
    const { status, stdout } = coracle.run([
      'run',
      '--rm',
      '-v',
      'small:/d',
      IMAGE,
      'dd',
      'if=/dev/zero',
      'of=/d/x',
      'bs=64k',
      'count=64',
    ])
    assert.notEqual(status, 0, stdout)
    const refusal = (...options: string[]) => coracle.run(['volume', 'create', ...options, 'other']).stderr
    assert.match(refusal('-o', 'size=1g'), /quota size requested but no quota support\n/)
    assert.match(refusal('-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'size=much'), /invalid size: 'much'/)
    assert.match(refusal('-o', 'type=nfs', '-o', 'device=:/x', '-o', 'size=1g'), /cannot be given a size/)
    assert.match(refusal('-o', 'type=tmpfs', '-o', 'device=x', '-o', 'size=1g', '-o', 'o=size=2g'), /told twice/)
  })

  it('go also when `rm -v` was cut short, whoever comes by next', () => {
    coracle.output('create', '--name', 'one', '-v', '/d', '-v', 'named:/n', IMAGE, 'true')
    const [anonymous = ''] = names('--filter', 'name=').filter((name) => name !== 'named')
    const { Mountpoint } = inspect(anonymous)
    const database = openDatabase(join(coracle.directory, 'root/state.db'))
    const { id } = findRecord(database, 'one')
    advance(database, id, { to: 'removing', autoRemove: true, owner: undefined })
    database.close()
    assert.equal(coracle.output('ps', '-aq'), '')
    assert.deepEqual(names(), ['named'])
    assert.ok(!existsSync(Mountpoint))
  })

  it('leave no directory behind when their removal was cut short', () => {
    coracle.output('volume', 'create', 'cut')
    coracle.output('volume', 'create', 'whole')
    const { Mountpoint } = inspect('cut')
    writeFileSync(join(Mountpoint, 'old'), '')
    const database = openDatabase(join(coracle.directory, 'root/state.db'))
    transaction(database, () => deleteVolume(database, { name: 'cut', driver: 'local' }))
    database.close()
    assert.equal(coracle.run(['system', 'check']).status, 0)
    coracle.output('volume', 'create', 'cut')
    assert.deepEqual(readdirSync(Mountpoint), [])
    coracle.output('volume', 'rm', 'whole')
    assert.ok(existsSync(Mountpoint))
  })

  it('are seen by cp, and are no part of what diff, commit and export give', () => {
    coracle.output(
      'run',
      '--name',
      'user',
      '-v',
      'data:/d',
      IMAGE,
      'sh',
      '-c',
      'echo on >/d/volume; echo off >/root-file',
    )
    coracle.output('cp', 'user:/d/volume', join(coracle.directory, 'copied'))
    assert.equal(readFileSync(join(coracle.directory, 'copied'), 'utf8'), 'on\n')
    coracle.output('cp', join(coracle.directory, 'copied'), 'user:/d/back')
    assert.deepEqual(readdirSync(inspect('data').Mountpoint), ['back', 'volume'])
    assert.equal(coracle.output('diff', 'user'), 'A /d\nA /root-file')
    coracle.output('commit', 'user', 'with:volume')
    assert.equal(coracle.output('run', '--rm', 'with:volume', 'ls', '/d', '/root-file'), '/root-file\n\n/d:')
    coracle.output('export', '-o', join(coracle.directory, 'tar'), 'user')
    const listed = execFileSync('tar', ['-tf', join(coracle.directory, 'tar')], { encoding: 'utf8' })
    assert.ok(listed.includes('root-file') && !listed.includes('d/volume'), listed)
  })

  it('never take over or remove a directory that is on no record', () => {
    coracle.output('volume', 'create', 'known')
    const home = join(inspect('known').Mountpoint, '../..')
    mkdirSync(join(home, 'stray/_data/kept'), { recursive: true })
    assert.match(coracle.run(['system', 'check']).stdout, /stray/)
    coracle.output('volume', 'create', 'stray')
    assert.deepEqual(readdirSync(inspect('stray').Mountpoint), [])
    assert.deepEqual(readdirSync(join(home, '../lost+found/volume-stray/_data')), ['kept'])
  })
})

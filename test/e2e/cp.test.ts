import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'mocha'
import { type Coracle, eventually, IMAGE, type Outcome, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { directory, file, hardLink, symlink, tarOf } from '../support/tar.ts'

let coracle: Coracle
let work = ''
const cp = (...args: string[]): Outcome => coracle.run(['cp', ...args])
const copied = (...args: string[]): void => {
  const { status, stderr } = cp(...args)
  assert.equal(status, 0, stderr)
}
const refused = (pattern: RegExp, ...args: string[]): void => {
  const { status, stderr } = cp(...args)
  assert.equal(status, 1)
  assert.match(stderr, pattern)
}
const at = (...names: string[]): string => join(work, ...names)

describe('coracle cp', function () {
  this.timeout(120_000)

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
    coracle.output('run', '-d', '--name', 'running', '-v', '/volume', IMAGE, 'sleep', '1000')
    coracle.output('create', '--name', 'stopped', '-v', '/volume', IMAGE, 'true')
    work = join(coracle.directory, 'work')
  })
  beforeEach(() => {
    rmSync(work, { recursive: true, force: true })
    mkdirSync(at('tree/sub'), { recursive: true })
    writeFileSync(at('tree/f'), 'text', { mode: 0o640 })
    writeFileSync(at('tree/sub/program'), '', { mode: 0o755 })
    symlinkSync('/nowhere/special', at('tree/link'))
    execFileSync('ln', [at('tree/f'), at('tree/same')])
    execFileSync('mkfifo', [at('tree/pipe')])
    execFileSync('chown', ['12:34', at('tree/f')])
  })
  after(() => coracle?.close())

  for (const name of ['running', 'stopped']) {
    describe(`with a ${name} container`, () => {
      it('carries a tree in and out again: files, links, hard links, pipes, modes, times', () => {
        copied(at('tree'), `${name}:/carried`)
        copied(`${name}:/carried`, at('back'))
        assert.equal(readFileSync(at('back/f'), 'utf8'), 'text')
        assert.equal(readlinkSync(at('back/link')), '/nowhere/special')
        assert.equal(statSync(at('back/f')).ino, statSync(at('back/same')).ino)
        assert(lstatSync(at('back/pipe')).isFIFO())
        assert.equal(statSync(at('back/sub/program')).mode & 0o7777, 0o755)
        assert.equal(statSync(at('back/f')).mtimeMs, statSync(at('tree/f')).mtimeMs)
      })

      it('gives copies to root inside, and with -a to who owns the original', () => {
        copied(at('tree/f'), `${name}:/plain`)
        copied('-a', at('tree/f'), `${name}:/archived`)
        const owners = (path: string) => {
          const tar = coracle.run(['cp', `${name}:${path}`, '-'])
          return execFileSync('tar', ['tvn'], { input: tar.stdout, encoding: 'utf8' }).split(/\s+/)[1]
        }
        assert.equal(owners('/plain'), '0/0')
        assert.equal(owners('/archived'), '12/34')
        copied(`${name}:/archived`, at('mine'))
        copied('-a', `${name}:/archived`, at('theirs'))
        assert.deepEqual([statSync(at('mine')).uid, statSync(at('theirs')).uid], [process.geteuid?.(), 12])
      })

      it('reaches into volumes', () => {
        copied(at('tree/f'), `${name}:/volume/f`)
        copied(`${name}:/volume/f`, at('from-volume'))
        assert.equal(readFileSync(at('from-volume'), 'utf8'), 'text')
      })

      it('puts things where docker puts them', () => {
        const listing = (path: string) => {
          copied(`${name}:${path}`, at('listing'))
          const names = readdirSync(at('listing')).toSorted()
          rmSync(at('listing'), { recursive: true })
          return names.join(' ')
        }
        copied(at('tree/sub'), `${name}:/new-${name}`)
        assert.equal(listing(`/new-${name}`), 'program')
        copied(at('tree/sub'), `${name}:/new-${name}`)
        assert.equal(listing(`/new-${name}`), 'program sub')
        copied(`${at('tree/sub')}/.`, `${name}:/content-${name}/`)
        assert.equal(listing(`/content-${name}`), 'program')
        copied(at('tree/f'), `${name}:/content-${name}/`)
        copied(at('tree/f'), `${name}:content-${name}/renamed`)
        assert.equal(listing(`/content-${name}`), 'f program renamed')
        mkdirSync(at('into'))
        copied(`${name}:/content-${name}/.`, at('into'))
        copied(`${name}:/content-${name}`, at('into'))
        assert.deepEqual(readdirSync(at('into')).toSorted(), [`content-${name}`, 'f', 'program', 'renamed'])
      })

      it('refuses in docker’s words what does not go together', () => {
        refused(/Could not find the file \/nope in container/, `${name}:/nope`, at('x'))
        refused(/Could not find the file \/no in container/, at('tree/f'), `${name}:/no/such`)
        refused(/no such directory/, at('tree/f'), `${name}:/no/such/`)
        refused(/cannot copy directory/, at('tree'), `${name}:/etc/passwd`)
        refused(/cannot copy directory/, `${name}:/etc`, at('tree/f'))
        refused(/not a directory/, `${name}:/etc/passwd/`, at('x'))
        refused(/lstat .*\/absent: no such file or directory/, at('absent'), `${name}:/`)
        refused(/directory ".*\/absent" does not exist/, `${name}:/etc/passwd`, at('absent/x'))
        refused(/destination ".*" must be a directory/, '-', `${name}:/etc/passwd`)
        mkdirSync(at('in-the-way/passwd'), { recursive: true })
        refused(/cannot overwrite directory ".*\/passwd" with non-directory/, `${name}:/etc/passwd`, at('in-the-way'))
        refused(
          /cannot overwrite non-directory "\/etc\/passwd" with directory/,
          `${at('in-the-way')}/.`,
          `${name}:/etc`,
        )
        refused(/copying between containers is not supported/, `${name}:/etc`, 'stopped:/x')
        refused(/must specify at least one container source/, at('tree'), at('x'))
      })

      it('follows a link to the source only with -L, and one at the destination always', () => {
        symlinkSync('f', at('tree/to-f'))
        copied(at('tree/to-f'), `${name}:/link-${name}`)
        copied('-L', at('tree/to-f'), `${name}:/file-${name}`)
        copied(`${name}:/link-${name}`, at('link'))
        copied(`${name}:/file-${name}`, at('file'))
        assert.equal(readlinkSync(at('link')), 'f')
        assert.equal(readFileSync(at('file'), 'utf8'), 'text')
        copied('-L', `${name}:/bin/ls`, at('program'))
        assert(lstatSync(at('program')).isFile())
        symlinkSync('/etc', at('to-etc'))
        copied(at('to-etc'), `${name}:/to-etc`)
        copied(at('tree/f'), `${name}:/to-etc/through`)
        copied(`${name}:/etc/through`, at('through'))
        assert.equal(readFileSync(at('through'), 'utf8'), 'text')
      })

      it('streams tar archives both ways, plain and compressed', () => {
        const tar = execFileSync('tar', ['-C', at('tree'), '-cz', 'f', 'sub'])
        const { status, stderr } = coracle.run(['cp', '-', `${name}:/tmp`], { input: tar })
        assert.equal(status, 0, stderr)
        const { stdout } = coracle.run(['cp', `${name}:/tmp/.`, '-'])
        const names = execFileSync('tar', ['t'], { input: stdout, encoding: 'utf8' }).trim().split('\n').toSorted()
        assert.deepEqual(names, ['./', './f', './sub/', './sub/program'])
      })

      it('keeps an archive with hostile names inside the destination', () => {
        const archives = [
          [file('../../escaped', 'x')],
          [symlink('out', '../../../../../../etc'), file('out/escaped', 'x')],
          [symlink('out', '/'), directory('out/root/escaped')],
          [hardLink('escaped', '../../../etc/passwd')],
        ]
        for (const entries of archives) coracle.run(['cp', '-', `${name}:/tmp`], { input: tarOf(entries) })
        assert(!existsSync('/etc/escaped') && !existsSync('/root/escaped') && !existsSync('/escaped'))
      })
    })
  }

  it('lets several copies into one stopped container follow each other', async () => {
    const children = [1, 2, 3, 4].map((index) => coracle.start(['cp', at('tree/f'), `stopped:/var/at-once-${index}`]))
    const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0] as number))
    assert.deepEqual(codes, [0, 0, 0, 0])
    copied('stopped:/var/.', at('all'))
    assert.equal(readdirSync(at('all')).filter((name) => name.startsWith('at-once-')).length, 4)
  })

  it('says how much was copied when asked to', () => {
    assert.equal(cp(at('tree/f'), 'running:/said').stderr, '')
    assert.match(
      coracle.run(['cp', '--quiet=false', at('tree/f'), 'running:/said']).stderr,
      /^Successfully copied 2\.05kB to running:\/said\n$/,
    )
  })

  it('leaves nothing behind when it is killed, and the container starts', async () => {
    const name = coracle.output('create', IMAGE, 'true')
    const child = coracle.start(['cp', '-', `${name}:/tmp`])
    child.stdin?.on('error', () => {}) // it is killed while it reads
    child.stdin?.write(tarOf([file('f', Buffer.alloc(1 << 20))]).subarray(0, 600_000))
    await eventually('the files are mounted', () => isHeld(name))
    child.kill('SIGKILL')
    await once(child, 'exit')
    await eventually('nothing is mounted', () => !isHeld(name))
    coracle.output('start', '-a', name)
    assert.equal(coracle.output('rm', name), name)
  })

  it('makes a start wait until it is done', async () => {
    const name = coracle.output('create', IMAGE, 'cat', '/tmp/last')
    const child = coracle.start(['cp', '-', `${name}:/tmp`])
    const archive = tarOf([file('first', 'x'), file('last', 'the end')])
    child.stdin?.write(archive.subarray(0, 512))
    await eventually('it holds the container', () => coracle.run(['ps', '-a', '-q']).status === 0 && isHeld(name))
    const started = coracle.start(['start', '-a', name])
    const output: Buffer[] = []
    started.stdout?.on('data', (chunk: Buffer) => output.push(chunk))
    child.stdin?.end(archive.subarray(512))
    await once(started, 'exit')
    assert.equal(Buffer.concat(output).toString(), 'the end')
  })
})

/** Another process has mounted its files. */
function isHeld(name: string): boolean {
  return readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(`${name}/rootfs`)
    } catch {
      return false // it has just ended
    }
  })
}

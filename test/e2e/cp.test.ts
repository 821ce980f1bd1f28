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
const sh = (name: string, script: string): string => {
  const { status, stdout, stderr } = coracle.run(['exec', name, 'sh', '-c', script])
  assert.equal(status, 0, stderr)
  return stdout.trim()
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

  it('shows nothing of the host to who copies out what a hostile container prepared', () => {
    writeFileSync(at('secret'), 'the host')
    const { length } = sh(
      'running',
      `mkdir -p /bad; ln -s ${at('secret')} /bad/a; ln -s ../../../../../..${at('secret')} /bad/b; echo x`,
    )
    assert(length > 0)
    copied('running:/bad', at('bad'))
    assert(lstatSync(at('bad/a')).isSymbolicLink())
    refused(/Could not find/, '-L', 'running:/bad/a', at('x'))
    refused(/Could not find/, '-L', 'running:/bad/b', at('x'))
    assert.equal(readFileSync(at('secret'), 'utf8'), 'the host')
    rmSync(at('secret'))
  })

  it('writes through no link that the container or the destination holds', () => {
    writeFileSync(at('precious'), 'the host')
    sh('running', `ln -sf ${at('precious')} /to-host`)
    cp(at('tree/f'), 'running:/to-host')
    mkdirSync(at('destination'))
    symlinkSync(at('precious'), at('destination/f'))
    sh('running', 'mkdir -p /source; echo evil > /source/f; mkdir -p /source/d; echo evil > /source/d/precious')
    symlinkSync(work, at('destination/d'))
    cp('running:/source/.', at('destination'))
    assert.equal(readFileSync(at('precious'), 'utf8'), 'the host')
  })

  it('stays inside while the container swaps directories and links under its hands', () => {
    mkdirSync(at('host'))
    writeFileSync(at('host/f'), 'the host')
    const swap = `mkdir -p /race/d; echo inside > /race/d/f; cd /race; while :; do mv d e; ln -s ${at('host')} d; rm d; mv e d; done`
    const racer = coracle.output('run', '-d', IMAGE, 'sh', '-c', swap)
    for (let round = 0; round < 12; round += 1) {
      const out = at(`out-${round}`)
      cp(`${racer}:/race/d/.`, out)
      if (existsSync(join(out, 'f'))) assert.equal(readFileSync(join(out, 'f'), 'utf8'), 'inside\n')
      cp(at('tree/f'), `${racer}:/race/d/in-${round}`)
    }
    coracle.output('rm', '-f', racer)
    assert.deepEqual(readdirSync(at('host')), ['f'])
  })

  it('lets several copies into one stopped container follow each other', async () => {
    const children = [1, 2, 3, 4].map((index) => coracle.start(['cp', at('tree/f'), `stopped:/var/at-once-${index}`]))
    const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0] as number))
    assert.deepEqual(codes, [0, 0, 0, 0])
    copied('stopped:/var/.', at('all'))
    assert.equal(readdirSync(at('all')).filter((name) => name.startsWith('at-once-')).length, 4)
  })

  it('takes set-user-ID bits and open devices away from what becomes the caller’s', () => {
    sh('running', 'cp /bin/busybox /suid; chown 33 /suid; chmod 4755 /suid; mkdir -p /n; mknod -m 666 /n/null c 1 3')
    copied('running:/suid', at('suid'))
    copied('running:/n', at('n'))
    assert.equal(statSync(at('suid')).mode & 0o7777, 0o755)
    assert.equal(lstatSync(at('n/null')).mode & 0o7777, 0o600)
    copied('-a', 'running:/suid', at('archived'))
    assert.deepEqual([statSync(at('archived')).mode & 0o7777, statSync(at('archived')).uid], [0o4755, 33])
  })

  it('keeps a huge sparse file sparse', () => {
    sh('running', 'dd if=/dev/zero of=/huge bs=1 count=1 seek=1099511627775 2>/dev/null')
    copied('running:/huge', at('huge'))
    const { size, blocks } = statSync(at('huge'))
    assert.equal(size, 2 ** 40)
    assert(blocks < 10_000)
    sh('running', 'rm /huge')
  })

  it('touches neither /proc nor what is mounted read-only, and leaves mounted files mounted', () => {
    const name = coracle.output(
      'run',
      '-d',
      '--read-only',
      '-v',
      `${at('tree')}:/ro:ro`,
      '-v',
      `${at('tree/f')}:/conf`,
      IMAGE,
      'sleep',
      '1000',
    )
    refused(/container rootfs is marked read-only/, at('tree/f'), `${name}:/x`)
    refused(/mounted volume is marked read-only/, at('tree/f'), `${name}:/ro/x`)
    refused(/Could not find the file \/proc/, at('tree/f'), `${name}:/proc/sysrq-trigger`)
    refused(/Could not find the file \/proc\/1\/environ/, `${name}:/proc/1/environ`, at('x'))
    coracle.output('stop', '-t', '0', name)
    refused(/container rootfs is marked read-only/, at('tree/f'), `${name}:/x`)
    refused(/mounted volume is marked read-only/, at('tree/f'), `${name}:/ro/x`)
    writeFileSync(at('hosts'), '127.0.0.1 mine\n')
    copied(at('hosts'), 'running:/etc/hosts')
    assert.equal(sh('running', 'cat /etc/hosts'), '127.0.0.1 mine')
    assert.match(sh('running', 'cat /proc/mounts'), /\/etc\/hosts/)
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

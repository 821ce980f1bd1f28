import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { type Coracle, eventually, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'

let coracle: Coracle
/** Runs a shell line in a new container. @returns its id */
const ran = (script: string, ...flags: string[]): string => {
  const id = coracle.output('create', ...flags, IMAGE, 'sh', '-c', script)
  const { status, stderr } = coracle.run(['start', '-a', id])
  assert.equal(status, 0, stderr)
  return id
}
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')
const state = (id: string): string => coracle.output('inspect', '--format', '{{.State.Status}}', id)

describe('the files of containers', function () {
  this.timeout(120_000)

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  after(() => coracle?.close())

  describe('coracle diff', () => {
    it('tells what was added, changed and deleted, and nothing of a container that did nothing', () => {
      assert.equal(coracle.output('diff', ran('true')), '')
      const id = ran(
        'echo x > /etc/new; echo y >> /etc/passwd; rm /etc/group; mkdir -p /a/b; rm -r /home; mkdir /home; chmod 700 /var',
      )
      assert.deepEqual(lines(coracle.output('diff', id)), [
        'A /a',
        'A /a/b',
        'C /etc',
        'D /etc/group',
        'A /etc/new',
        'C /etc/passwd',
        'C /var',
      ])
    })

    it('tells the same while the container runs', () => {
      const id = coracle.output('run', '-d', IMAGE, 'sh', '-c', 'echo x > /f; exec sleep 1000')
      coracle.output('exec', id, 'sh', '-c', 'until test -e /f; do :; done; rm -r /usr')
      assert.deepEqual(lines(coracle.output('diff', id)), ['A /f', 'D /usr'])
    })
  })

  describe('coracle export', () => {
    it('makes of a container what import makes into the same again', () => {
      const id = ran(
        'echo x > /f; ln /f /g; ln -s f /h; rm /etc/group; mkfifo /p; chmod 4755 /f; mkdir /v/in',
        '-v',
        '/v',
      )
      const tar = join(coracle.directory, 'exported.tar')
      coracle.output('export', '-o', tar, id)
      const names = lines(execFileSync('tar', ['tf', tar], { encoding: 'utf8' }))
      assert(names.includes('p') && names.includes('v/') && !names.includes('v/in') && !names.includes('etc/group'))
      coracle.output('import', tar, 'again')
      const check = 'test /f -ef /g && test -u /f && test -L /h && test -p /p && ! test -e /etc/group && cat /g'
      assert.equal(coracle.output('run', '--rm', 'again', 'sh', '-c', check), 'x')
    })

    it('ends when nobody reads any more, and says so in a line', () => {
      const line = `${join(packageRoot, 'bin/coracle')} export ${ran('true')} | head -c 10 > /dev/null`
      const { stderr } = spawnSync('sh', ['-c', line], { env: coracle.env, encoding: 'utf8', timeout: 30_000 })
      assert.equal(stderr, 'coracle: cannot write the archive: nobody reads it any more\n')
    })

    it('says that the disk is full, and leaves nothing on it', () => {
      const small = join(coracle.directory, 'small')
      mkdirSync(small)
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small])
      try {
        const { status, stderr } = coracle.run(['export', '-o', join(small, 'x.tar'), ran('true')])
        assert.equal(status, 1)
        assert.match(stderr, /^coracle: cannot write the archive: ENOSPC/)
        assert.deepEqual(readdirSync(small), [])
      } finally {
        execFileSync('umount', [small])
      }
    })

    it('writes nothing when the container is not there', () => {
      const tar = join(coracle.directory, 'nothing.tar')
      assert.equal(coracle.run(['export', '-o', tar, 'no-such']).status, 1)
      assert(!readdirSync(coracle.directory).some((name) => name.startsWith('nothing.tar')))
    })
  })

  describe('coracle commit', () => {
    it('makes an image with the changes, the settings, and a history', () => {
      const script =
        'echo x > /f; ln /f /g; rm /etc/group; rm -r /home; mkdir /home; echo y > /home/z; rm -r /var; echo file > /var'
      const id = ran(script, '-e', 'A=b', '-w', '/tmp', '--label', 'l=m')
      const image = coracle.output('commit', '-a', 'somebody', '-m', 'why', '-c', 'CMD ["cat", "/f"]', id, 'made:1')
      assert.match(image, /^sha256:[0-9a-f]{64}$/)
      assert.equal(coracle.output('run', '--rm', 'made:1'), 'x')
      const check = 'test /f -ef /g && ! test -e /etc/group && cat /var /home/z && ls /home && echo $A && pwd'
      assert.deepEqual(lines(coracle.output('run', '--rm', 'made:1', 'sh', '-c', check)), [
        'file',
        'y',
        'z',
        'b',
        '/tmp',
      ])
      const [inspected] = JSON.parse(coracle.output('image', 'inspect', 'made:1')) as [
        { Author: string; Comment: string },
      ]
      assert.deepEqual([inspected.Author, inspected.Comment], ['somebody', 'why'])
      assert.match(coracle.output('history', 'made:1'), /why/)
      assert.equal(coracle.output('rmi', 'made:1').includes('Untagged'), true)
    })

    it('keeps of the image below what a container does not say', () => {
      coracle.output('commit', '-c', 'EXPOSE 80', '-c', 'ENTRYPOINT ["echo"]', ran('true'), 'below:1')
      const id = coracle.output('create', '--entrypoint', 'cat', 'below:1', '/f')
      coracle.output('commit', id, 'above:1')
      const format = '{{json .Config.ExposedPorts}} {{json .Config.Entrypoint}} {{json .Config.Cmd}}'
      assert.equal(coracle.output('image', 'inspect', '--format', format, 'above:1'), '{"80/tcp":{}} ["cat"] ["/f"]')
    })

    it('makes an image that other programs take', () => {
      const id = ran('echo x > /f; rm /etc/group')
      coracle.output('commit', id, 'taken:1')
      const tar = join(coracle.directory, 'taken.tar')
      coracle.output('save', '-o', tar, 'taken:1')
      const target = join(coracle.directory, 'taken')
      execFileSync('skopeo', ['copy', '--insecure-policy', '-q', `oci-archive:${tar}`, `oci:${target}:1`])
      execFileSync('umoci', ['unpack', '--image', `${target}:1`, `${target}-files`], { stdio: 'ignore' })
      const names = readdirSync(join(`${target}-files`, 'rootfs'))
      assert(names.includes('f') && !readdirSync(join(`${target}-files`, 'rootfs/etc')).includes('group'))
    })

    it('keeps file capabilities', () => {
      const file = join(coracle.directory, 'capable')
      writeFileSync(file, '')
      execFileSync('setcap', ['cap_net_raw=ep', file])
      const id = coracle.output('create', IMAGE, 'true')
      coracle.output('cp', file, `${id}:/capable`)
      const committed = coracle.output('create', coracle.output('commit', id), 'true')
      coracle.output('cp', '-a', `${committed}:/capable`, `${file}-back`)
      assert.match(execFileSync('getcap', [`${file}-back`], { encoding: 'utf8' }), /cap_net_raw/)
    })

    it('lets a running container stand still meanwhile, and go on', () => {
      const id = coracle.output('run', '-d', IMAGE, 'sh', '-c', 'while :; do date >> /now; sleep 0.05; done')
      coracle.output('exec', id, 'sh', '-c', 'until test -s /now; do sleep 0.05; done')
      coracle.output('commit', id, 'live:1')
      coracle.output('commit', '--no-pause', id, 'live:2')
      assert.equal(state(id), 'running')
      assert.match(coracle.output('run', '--rm', 'live:1', 'cat', '/now'), /\d/)
      coracle.output('rm', '-f', id)
    })

    it('refuses names that would mean deletions, and a name that is none, before anything is made', () => {
      const before = coracle.output('images', '-a', '-q')
      const { status, stderr } = coracle.run(['commit', ran('touch /etc/.wh.passwd')])
      assert.equal(status, 1)
      assert.match(stderr, /\/etc\/\.wh\.passwd/)
      assert.equal(coracle.run(['commit', ran('true'), 'Not A Name']).status, 1)
      assert.equal(coracle.output('images', '-a', '-q'), before)
    })

    it('leaves no half image and no frozen container when it is killed', async () => {
      const id = coracle.output(
        'run',
        '-d',
        IMAGE,
        'sh',
        '-c',
        'dd if=/dev/urandom of=/big bs=1M count=200 2>/dev/null; touch /made; exec sleep 1000',
      )
      coracle.output('exec', id, 'sh', '-c', 'until test -e /made; do sleep 0.1; done')
      const before = coracle.output('images', '-a', '-q')
      const child = coracle.start(['commit', id, 'killed:1'])
      await eventually('it stands still', () => state(id) === 'paused')
      child.kill('SIGKILL')
      await once(child, 'exit')
      await eventually('it goes on', () => state(id) === 'running')
      assert.equal(coracle.output('images', '-a', '-q'), before)
      coracle.output('commit', id, 'killed:2')
      coracle.output('rm', '-f', id)
      coracle.output('image', 'prune', '-f')
      assert.deepEqual(readdirSync(join(coracle.directory, 'root/blobs/partial')), [])
    })
  })

  it('shows nothing of the host through links in a container’s files', () => {
    const secret = join(coracle.directory, 'secret')
    writeFileSync(secret, 'the host')
    const id = ran(`rm -r /home; ln -s ${coracle.directory} /home; ln -s ${secret} /link; mv /var /moved; ln -s / /var`)
    const exported = coracle.run(['export', id]).stdout
    assert(!exported.includes('the host'))
    coracle.output('commit', id, 'linked:1')
    coracle.output('save', '-o', join(coracle.directory, 'linked.tar'), 'linked:1')
    assert(!readFileSync(join(coracle.directory, 'linked.tar')).includes('the host'))
    assert.deepEqual(
      lines(coracle.output('diff', id)).filter((line) => line.includes('link') || line.includes('home')),
      ['C /home', 'A /link'],
    )
  })
})

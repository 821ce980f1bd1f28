import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, it } from 'mocha'
import { CLI, type Cli, openCli } from '../support/cli.ts'
import { startTestRegistry } from '../support/image-registry.ts'
import { directory, file, type TarEntry, tarOf } from '../support/images.ts'

let cli: Cli

/** An image of these files, made by `import`. @returns its id */
function importImage(name: string, entries: readonly TarEntry[], ...flags: string[]): string {
  const tar = join(cli.directory, 'rootfs.tar')
  writeFileSync(tar, tarOf(entries))
  return cli.output('import', ...flags, tar, name)
}

const FILES = [directory('etc/'), file('etc/motd', 'hello'), file('etc/hostname', 'here')]

describe('the image commands', function () {
  this.timeout(180_000)
  beforeEach(async () => {
    cli = await openCli()
  })

  describe('on images that are here', () => {
    it('import, list, inspect and show the history of an image', () => {
      const id = importImage('team/app:1', FILES, '-c', 'CMD ["/bin/app"]', '-c', 'ENV A=1', '-m', 'first try')
      assert.match(id, /^sha256:[0-9a-f]{64}$/)
      const short = id.slice(7, 19)

      const [heading, row] = cli.output('images').split('\n')
      assert.match(heading ?? '', /^REPOSITORY {3}TAG {7}IMAGE ID {7}CREATED +SIZE$/)
      assert.match(row ?? '', new RegExp(`^team/app +1 +${short} +.* ago +\\d+(\\.\\d+)?k?B$`))
      assert.equal(cli.output('image', 'ls', '-q', '--no-trunc'), id)
      assert.equal(cli.output('images', '--format', '{{.Repository}}:{{.Tag}}'), 'team/app:1')
      assert.equal(JSON.parse(cli.output('images', '--format', 'json')).ID, short)

      const [document] = JSON.parse(cli.output('image', 'inspect', 'team/app:1'))
      assert.equal(document.Id, id)
      assert.deepEqual(document.Config.Cmd, ['/bin/app'])
      assert.equal(cli.output('image', 'inspect', '-f', '{{join .Config.Env ","}}', short), 'A=1')
      assert.match(
        cli.output('history', 'team/app:1'),
        /^IMAGE +CREATED +CREATED BY +SIZE +COMMENT\n[0-9a-f]{12} .*first try$/,
      )
    })

    it('filter what they list', () => {
      importImage('team/app:1', FILES, '-c', 'LABEL tier=front')
      importImage('other:2', [file('x', 'x')])
      const names = (...flags: string[]) => cli.output('images', '--format', '{{.Repository}}', ...flags)
      assert.equal(names('--filter', 'label=tier=front'), 'team/app')
      assert.equal(names('other'), 'other')
      assert.equal(names('--filter', 'reference=team/*:1'), 'team/app')
      assert.equal(names('--filter', 'dangling=true'), '')
      assert.notEqual(cli.run(['images', '--filter', 'nonsense=1']).status, 0)
    })

    it('tag and remove: the last name takes the image with it', () => {
      const id = importImage('app:1', FILES)
      cli.output('tag', 'app:1', 'app:2')
      assert.equal(cli.output('rmi', 'app:1'), 'Untagged: app:1')
      assert.match(cli.output('rmi', 'app:2'), new RegExp(`^Untagged: app:2\nDeleted: ${id}(\nDeleted: sha256:.*)*$`))
      assert.equal(cli.output('images', '-q'), '')
    })

    it('remove what can be removed, then fail with what cannot', () => {
      importImage('app:1', FILES)
      const { status, stdout, stderr } = cli.run(['rmi', 'no1', 'app:1', 'no2'])
      assert.equal(status, 1)
      assert.match(stdout, /^Untagged: app:1\n/)
      assert.match(stderr, /No such image: no1.*No such image: no2/s)
    })

    it('save and load: the image comes back whole', () => {
      const id = importImage('app:1', FILES)
      const tar = join(cli.directory, 'saved.tar')
      cli.output('save', '-o', tar, 'app:1')
      cli.output('rmi', 'app:1')
      assert.equal(cli.output('load', '-i', tar), 'Loaded image: app:1')
      assert.equal(cli.output('images', '-q', '--no-trunc'), id)
      assert.deepEqual(
        readdirSync(cli.directory).filter((name) => name.includes('.part')),
        [],
      )
    })

    it('leave no file behind when saving fails', () => {
      assert.equal(cli.run(['save', '-o', join(cli.directory, 'saved.tar'), 'no/such']).status, 1)
      assert.deepEqual(
        readdirSync(cli.directory).filter((name) => name.startsWith('saved')),
        [],
      )
    })

    it('stream to and from other programs', () => {
      const id = importImage('app:1', FILES)
      const script = '"$1" save app:1 | gzip > "$2" && "$1" rmi app:1 && gzip -dc "$2" | "$1" load'
      const tar = join(cli.directory, 'stream.tar.gz')
      const { stdout, stderr } = spawnSync('sh', ['-c', script, '-', CLI, tar], { env: cli.env, encoding: 'utf8' })
      assert.match(stdout, /\nLoaded image: app:1\n$/, stderr)
      assert.equal(cli.output('images', '-q', '--no-trunc'), id)
    })

    it('say which files differ between two images', () => {
      importImage('app:1', FILES)
      importImage('app:2', [directory('etc/'), file('etc/motd', 'hello, world'), file('etc/new', 'n'.repeat(500))])
      assert.deepEqual(
        cli.output('image', 'diff', '--format', '{{.Kind}} {{.Path}} {{.Size}}', 'app:1', 'app:2').split('\n'),
        ['A /etc/new +500B', 'C /etc/motd +7B', 'D /etc/hostname -4B'],
      )
    })

    it('prune only what was agreed to', () => {
      const id = importImage('app:1', FILES)
      importImage('app:1', [file('other', 'image')]) // takes the name away from the first
      assert.equal(cli.run(['image', 'prune'], { input: 'n\n' }).stdout, '')
      assert.equal(cli.output('images', '-q', '--no-trunc', '--filter', 'dangling=true'), id)
      const { stdout, stderr } = cli.run(['image', 'prune'], { input: 'y\n' })
      assert.match(
        stderr,
        /^WARNING! This will remove all dangling images\.\nAre you sure you want to continue\? \[y\/N\] /,
      )
      assert.match(stdout, new RegExp(`^Deleted Images:\n[^]*deleted: ${id}[^]*\n\nTotal reclaimed space: \\d+`))
      assert.equal(cli.output('image', 'prune', '-f'), 'Total reclaimed space: 0B')
    })
  })

  describe('at a terminal', () => {
    it('refuse to write a tar to it, or to read one from it', () => {
      importImage('app:1', FILES)
      assert.match(cli.atTerminal(['save', 'app:1']).stdout, /cowardly refusing to save to a terminal/)
      assert.match(cli.atTerminal(['load']).stdout, /requested load from stdin, but stdin is empty/)
    })

    it('ask for the password without showing it', () => {
      const { stdout } = cli.atTerminal(['login', '127.0.0.1:1'], { input: 'somebody\nsecret\n' })
      assert.match(stdout, /Username: somebody\nPassword: \n/)
      assert(!stdout.includes('secret'))
    })

    it('let nothing of an image move the cursor', () => {
      const id = importImage('app:1', FILES, '-c', 'LABEL evil="\u001b[2Jgone"')
      const template = '{{index .Config.Labels "evil"}}'
      assert.equal(cli.output('image', 'inspect', '-f', template, id), '\u001b[2Jgone')
      assert.equal(cli.atTerminal(['image', 'inspect', '-f', template, id]).stdout, '\\u001b[2Jgone\n')
    })
  })

  describe('login', () => {
    it('refuses flags that make no sense together', () => {
      const refusal = (...flags: string[]) => cli.run(['login', ...flags]).stderr
      assert.match(refusal('--password-stdin'), /requires --username/)
      assert.match(refusal('-u', 'a', '-p', 'b', '--password-stdin'), /mutually exclusive/)
      assert.match(refusal('-u', 'a'), /non TTY device/)
    })
  })

  describe('with a registry', () => {
    it('push and pull: the same image, told in docker’s words', async () => {
      const { served } = cli
      const { host } = await startTestRegistry()
      const name = `${host}/team/app:1`
      const id = importImage(name, FILES)
      assert.match(
        await served.output('push', name),
        /The push refers to repository \[.*\/team\/app\]\n.*\n1: digest: sha256:[0-9a-f]{64} size: \d+$/s,
      )
      await served.output('rmi', name)

      const pulled = await served.output('pull', name)
      assert.match(
        pulled,
        new RegExp(
          `^1: Pulling from team/app\n[^]*\nDigest: sha256:[0-9a-f]{64}\nStatus: Downloaded newer image for ${name}\n${name}$`,
        ),
      )
      assert.match(await served.output('pull', name), /Status: Image is up to date for /)
      assert.equal(await served.output('pull', '-q', name), name)
      assert.equal(await served.output('images', '-q', '--no-trunc'), id)
      assert.match(await served.output('images', '--digests'), /DIGEST +IMAGE ID.* sha256:[0-9a-f]{64} /s)
    })

    it('list remote tags and inspect without pulling', async () => {
      const { served } = cli
      const { host } = await startTestRegistry()
      importImage(`${host}/team/app:1`, FILES, '-c', 'USER app')
      await served.output('tag', `${host}/team/app:1`, `${host}/team/app:2`)
      await served.output('push', '-a', '-q', `${host}/team/app`)
      await served.output('rmi', `${host}/team/app:1`, `${host}/team/app:2`)

      const tags = await served.output('image', 'tags', `${host}/team/app`)
      assert.deepEqual(tags.split('\n').sort(), ['1', '2']) // each registry has its own order
      assert.equal(
        await served.output('image', 'inspect', '--remote', '-f', '{{.Config.User}}', `${host}/team/app:2`),
        'app',
      )
      assert.equal(await served.output('images', '-q'), '')
    })

    it('show progress at a terminal', async () => {
      const { served } = cli
      const { host } = await startTestRegistry()
      importImage(`${host}/app:1`, FILES)
      await served.output('push', '-q', `${host}/app:1`)
      await served.output('rmi', `${host}/app:1`)
      const { stdout, status } = await served.atTerminal({}, 'pull', `${host}/app:1`)
      assert.equal(status, 0, stdout)
      assert.match(stdout.replaceAll('\u001b[2K', '<erase>'), /<erase>[0-9a-f]{12}: Pull complete\n/)
      assert.match(stdout, /Status: Downloaded newer image/)
    })

    it('name what a registry does not have', async () => {
      const { served } = cli
      const { host } = await startTestRegistry()
      const { status, stderr } = await served.run('pull', `${host}/no/such:1`)
      assert.equal(status, 1)
      assert.match(stderr, /no\/such/)
    })
  })
})

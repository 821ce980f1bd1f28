/** What a module tries and must not reach: files of the host, its variables, more than it was given, the user's terminal. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { type Coracle, openCoracle } from '../support/coracle.ts'
import { fileModule } from '../support/file-module.ts'
import { file, symlink, tarOf } from '../support/images.ts'
import { needsRoot } from '../support/needs-root.ts'
import { whileSwapped } from '../support/swap.ts'
import { moduleFromC } from '../support/wasm.ts'

/** Opens the same path until it was let in and refused fifty times each; then the swap has happened in between. */
const WALKER = String.raw`
#include <stdio.h>
int main(void) {
  int in = 0, out = 0;
  char text[16];
  while (in < 50 || out < 50) {
    FILE *file = fopen("/volume/door/file", "r");
    if (file == NULL) { out++; continue; }
    if (fgets(text, sizeof text, file) == NULL || text[0] != 'i') { puts("ESCAPED"); return 1; }
    in++;
    fclose(file);
  }
  puts("kept in");
  return 0;
}`

describe('a module that attacks', function () {
  this.timeout(120_000)
  let coracle: Coracle
  before(async function () {
    needsRoot(this)
    const module = await fileModule()
    coracle = openCoracle()
    writeFileSync(join(coracle.directory, 'app.wasm'), module)
    writeFileSync(join(coracle.directory, 'outside'), 'of the host')
  })
  after(() => coracle?.close())

  const tell = (flags: readonly string[], ...words: readonly string[]) => {
    const { stdout } = coracle.run(['run', '--rm', ...flags, './app.wasm', ...words], { env: { TOKEN: 'secret' } })
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(line.lastIndexOf(': ') + 2))
  }
  const volume = (name: string) => {
    const path = join(coracle.directory, name)
    mkdirSync(path)
    return path
  }

  it('reads no file of the host, and the user is told once what would let it', () => {
    const paths = ['/etc/shadow', '../etc/shadow', '/../../etc/shadow', '/proc/1/root/etc/shadow', '/proc/self/environ']
    for (const line of tell([], ...paths.map((path) => `r:${path}`)))
      assert.match(line, /^(?:No such file or directory|Capabilities insufficient)$/)
    const { stderr } = coracle.run([
      'run',
      '--rm',
      './app.wasm',
      'r:/no/such',
      'r:/etc/shadow',
      'r:/etc/passwd',
      'w:/etc/x',
    ])
    assert.deepEqual(stderr.trimEnd().split('\n'), [
      'coracle: the module was refused /etc/shadow: --allow-read=/etc/shadow would allow it',
      'coracle: the module was refused /etc/x: --allow-write=/etc would allow it',
    ])
    assert(!existsSync('/etc/x'))
  })

  it('is not told of as refused when no flag would help', () => {
    const { stderr } = coracle.run(['run', '--rm', '--read-only', './app.wasm', 'w:/x', 'r:/no/such/file', 'r:/x'])
    assert.equal(stderr, '')
  })

  it('leaves by no link: of its image, of its own, or of a volume', async () => {
    const tar = join(coracle.directory, 'links.tar')
    const links = [symlink('shadow', '/etc/shadow'), symlink('up', '../../../../etc'), symlink('loop', 'loop')]
    writeFileSync(tar, tarOf([...links, file('app.wasm', await fileModule(), 0o755)]))
    coracle.output('import', '--platform', 'wasi/wasm', '-c', 'ENTRYPOINT ["/app.wasm"]', tar, 'links')
    const own = volume('links')
    symlinkSync('../outside', join(own, 'out'))
    symlinkSync(join(coracle.directory, 'outside'), join(own, 'absolute'))
    const words = [
      'r:/shadow',
      'r:/up/shadow',
      'r:/loop',
      'r:/v/out',
      'r:/v/absolute',
      's:../outside>/v/made',
      'r:/v/made',
    ]
    const { stdout } = coracle.run([
      'run',
      '--rm',
      '-v',
      `${own}:/v`,
      'links',
      ...words,
      'w:/v/out',
      's:/etc>/e',
      'r:/e/shadow',
    ])
    assert(!stdout.includes('of the host') && !stdout.includes('root:'), stdout)
    assert.match(stdout, /r:\/loop: Symbolic link loop\n/)
    assert.match(stdout, /r:\/v\/out: Capabilities insufficient\n/)
    assert.equal(readFileSync(join(coracle.directory, 'outside'), 'utf8'), 'of the host')
  })

  for (const link of ['absolute', 'relative'])
    it(`follows no ${link} link that another process puts into its way meanwhile`, async () => {
      const shared = volume(link)
      const beside = volume(`${link}-beside`)
      mkdirSync(join(shared, 'door'))
      writeFileSync(join(shared, 'door/file'), 'inside')
      writeFileSync(join(beside, 'file'), 'outside')
      symlinkSync(link === 'absolute' ? beside : `../${link}-beside`, join(shared, 'link'))
      writeFileSync(join(coracle.directory, 'walker.wasm'), await moduleFromC(WALKER))
      await whileSwapped(shared, () => {
        const { stdout, stderr } = coracle.run(['run', '--rm', '-v', `${shared}:/volume`, './walker.wasm'])
        assert.equal(stdout, 'kept in\n', stderr)
      })
    })

  it('writes nothing outside of what it has, and no set-user-id or device counts in it', () => {
    const own = volume('writes')
    const words = ['w:/v/../../../escaped', `w:${coracle.directory}/escaped`, 'w:../escaped', 'm:/v/a>/v/../../b']
    tell(['-v', `${own}:/v`], ...words)
    assert(!existsSync(join(coracle.directory, 'escaped')) && !existsSync('/escaped'))
    spawnSync('mknod', [join(own, 'disk'), 'b', '8', '0'])
    assert.deepEqual(tell(['-v', `${own}:/v`], 'r:/v/disk'), ['Permission denied'])
  })

  it('sees no variable of the host', () => {
    assert.deepEqual(tell([], 'e:TOKEN'), ['(none)'])
  })

  it('fills what it was given, and learns that it is full', () => {
    assert.deepEqual(tell(['--tmpfs', '/t:size=1m'], 'f:/t/big', 'w:/own'), [
      'No space left on device after 1 MiB',
      'ok',
    ])
  })

  it('asks for permissions in words that a terminal shows, and gets nothing by default', () => {
    const secret = volume('secret')
    writeFileSync(join(secret, 'f'), 'kept secret')
    const image = (name: string, label: string) => {
      const change = ['-c', 'ENTRYPOINT ["/app.wasm"]', '-c', `LABEL coracle.permissions="${label}"`]
      coracle.output('import', '--platform', 'wasi/wasm', ...change, join(coracle.directory, 'links.tar'), name)
    }
    image('asks', `read=${secret}`)
    const prompt = (answer: string, ...flags: string[]) => {
      const script = JSON.stringify([['[y/N]', answer]])
      const words = [join(packageRoot, 'bin/coracle'), 'run', '--rm', ...flags, 'asks', `r:${secret}/f`]
      const pty = join(packageRoot, 'test/support/on-terminal.py')
      return spawnSync('python3', [pty, script, ...words], { env: coracle.env, encoding: 'utf8' }).stdout
    }
    const no = prompt('\r')
    assert(no.includes(`Allow asks to read ${secret}? [y/N]`), no)
    assert(!no.includes('kept secret'))
    assert(prompt('y\r').includes('kept secret'))
    image('hostile', 'read=/a\u001b[2J\u202e')
    const { status, stderr } = coracle.run(['run', '--rm', 'hostile'])
    assert.equal(status, 125)
    assert.match(stderr, /coracle\.permissions of the image is invalid/)
    assert(!stderr.includes('\u001b'))
  })

  it('leaves nothing behind', () => {
    assert.deepEqual(
      readdirSync(coracle.directory).filter((name) => name === 'escaped'),
      [],
    )
    assert.deepEqual(coracle.leftovers(), [])
  })
})

/** Deno's words for modules: what of the host they may have, who grants it, and what they may not. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { type Coracle, openCoracle } from '../support/coracle.ts'
import { fileModule } from '../support/file-module.ts'
import { file, tarOf } from '../support/images.ts'
import { needsRoot } from '../support/needs-root.ts'

/** Where temporary directories are decides which of them it is. */
const ABSENT = /: (?:No such file or directory|Capabilities insufficient)$/

describe('the permissions of a module', function () {
  this.timeout(120_000)
  let coracle: Coracle
  let data = ''
  before(async function () {
    needsRoot(this)
    const module = await fileModule()
    coracle = openCoracle()
    data = join(coracle.directory, 'data')
    writeFileSync(join(coracle.directory, 'app.wasm'), module)
    const label = `LABEL coracle.permissions="read=${data} env=TOKEN"`
    const tar = join(coracle.directory, 'app.tar')
    writeFileSync(tar, tarOf([file('app.wasm', module, 0o755)]))
    coracle.output('import', '--platform', 'wasi/wasm', '-c', 'ENTRYPOINT ["/app.wasm"]', '-c', label, tar, 'wishes')
    mkdirSync(join(data, 'deep'), { recursive: true })
    for (const name of ['open', 'secret', 'deep/f']) writeFileSync(join(data, name), `${name}\n`)
    symlinkSync('/etc', join(data, 'etc'))
  })
  after(() => coracle?.close())

  const run = (flags: readonly string[], ...words: readonly string[]) => {
    const { stdout } = coracle.run(['run', '--rm', ...flags, './app.wasm', ...words], {
      env: { TOKEN: 'xyz', AWS_A: '1' },
    })
    return stdout.replaceAll(data, 'DATA').trimEnd().split('\n')
  }

  it('are none at first: no file, no variable of the host', () => {
    const [file = '', ...others] = run([], `r:${data}/open`, 'r:/etc/shadow', 'e:TOKEN', 'l:/')
    assert.match(file, ABSENT)
    assert.deepEqual(others, ['r:/etc/shadow: Capabilities insufficient', 'e:TOKEN: (none)', 'l:/:'])
  })

  it('tell a module that asks for files of the host the same, whether there are any or not', () => {
    const words = [
      'r:/etc/passwd',
      'r:/etc/no/such',
      'r:./etc/passwd',
      'r:/root',
      'r:/usr/x/../y',
      'r:/proc/1/environ',
      'r:own',
      'r:own/etc/x',
      'r:/tmp/x',
    ]
    const answers = run([], ...words).map((line) => line.slice(line.lastIndexOf(': ') + 2))
    const [refused, missing] = ['Capabilities insufficient', 'No such file or directory']
    assert.deepEqual(answers, [refused, refused, refused, refused, refused, refused, missing, missing, missing])
  })

  it('keep nobody from making directories of such names, which are the module its own then', () => {
    assert.deepEqual(run([], 'w:/etc/x', 'd:/etc', 'r:/etc/x', 'w:/etc/x', 'r:/etc/x'), [
      'w:/etc/x: No such file or directory',
      'd:/etc: ok',
      'r:/etc/x: No such file or directory',
      'w:/etc/x: ok',
      'r:/etc/x: written',
    ])
  })

  it('are paths to read, and to change', () => {
    assert.deepEqual(run([`--allow-read=${data}`], `r:${data}/open`, `w:${data}/new`), [
      'r:DATA/open: open',
      'w:DATA/new: Read-only file system',
    ])
    assert.deepEqual(run(['--allow-write=data/deep'], `w:${data}/deep/new`, `r:${data}/open`), [
      'w:DATA/deep/new: ok',
      'r:DATA/open: No such file or directory',
    ])
    assert.equal(readFileSync(join(data, 'deep/new'), 'utf8'), 'written\n')
  })

  it('are taken away again by what is denied', () => {
    const flags = [`--allow-write=${data}`, `--deny-read=${data}/secret,${data}/deep`, `--deny-write=${data}/open`]
    const words = [
      `r:${data}/open`,
      `w:${data}/open`,
      `r:${data}/secret`,
      `w:${data}/secret`,
      `l:${data}/deep`,
      `r:${data}/deep/f`,
    ]
    assert.deepEqual(run(flags, ...words, `m:${data}/secret>${data}/other`, `u:${data}/secret`), [
      'r:DATA/open: open',
      'w:DATA/open: Read-only file system',
      'r:DATA/secret: Permission denied',
      'w:DATA/secret: Permission denied',
      'l:DATA/deep: Permission denied',
      'r:DATA/deep/f: Permission denied',
      'm:DATA/secret: Resource busy',
      'u:DATA/secret: Resource busy',
    ])
    assert.equal(readFileSync(join(data, 'secret'), 'utf8'), 'secret\n')
  })

  it('stay denied when the module runs again, having tried to give what is denied another name', () => {
    mkdirSync(join(data, 'above/closed'), { recursive: true })
    writeFileSync(join(data, 'above/closed/f'), 'free\n')
    symlinkSync('/data/above', join(data, 'link'))
    const flags = ['--name', 'twice', '-v', `${data}:/data`, '--deny-read=/data/above/closed,/data/link/closed']
    const words = ['r:/data/moved/closed/f', 'm:/data/above>/data/moved', 'r:/data/above/closed/f']
    coracle.output('create', ...flags, './app.wasm', ...words)
    for (const _run of [1, 2]) {
      assert.deepEqual(coracle.output('start', '-a', 'twice').split('\n'), [
        'r:/data/moved/closed/f: No such file or directory',
        'm:/data/above: Resource busy',
        'r:/data/above/closed/f: Permission denied',
      ])
    }
    coracle.output('rm', 'twice')
  })

  it('are denied by links as the container has them', () => {
    symlinkSync('/data/secret', join(data, 'absolute'))
    const flags = ['-v', `${data}:/data`, '--deny-read=/data/absolute,/data/etc/passwd']
    assert.deepEqual(run(flags, 'r:/data/absolute', 'r:/data/secret'), [
      'r:/data/absolute: Permission denied',
      'r:/data/secret: Permission denied',
    ])
  })

  it('are variables by name', () => {
    assert.deepEqual(run(['--allow-env=TOKEN,AWS_*', '--deny-env=AWS_A'], 'e:TOKEN', 'e:AWS_A'), [
      'e:TOKEN: xyz',
      'e:AWS_A: (none)',
    ])
    assert.deepEqual(run(['--allow-env', '--deny-env=AWS_*'], 'e:TOKEN', 'e:AWS_A'), [
      'e:TOKEN: xyz',
      'e:AWS_A: (none)',
    ])
  })

  it('lead nowhere by links of the host', () => {
    assert.deepEqual(run([`--allow-read=${data}`], `r:${data}/etc/passwd`), [
      'r:DATA/etc/passwd: No such file or directory',
    ])
  })

  it('are everything where a module alone is trusted, but for changes', () => {
    assert.deepEqual(run(['--allow-read'], `r:${data}/open`, 'w:/etc/coracle-test'), [
      'r:DATA/open: open',
      'w:/etc/coracle-test: Read-only file system',
    ])
    assert(!existsSync('/etc/coracle-test'))
  })

  it('are what an image asks for when the user grants it, and without a terminal flags must say so', () => {
    const ask = (...flags: string[]) =>
      coracle.run(['run', '--rm', ...flags, 'wishes', `r:${data}/open`, 'e:TOKEN'], { env: { TOKEN: 'xyz' } })
    const refused = ask()
    assert.equal(refused.status, 125)
    assert(refused.stderr.includes(`asks for read=${data}, env=TOKEN`), refused.stderr)
    assert(refused.stderr.includes(`--allow-read=${data} --allow-env=TOKEN`), refused.stderr)
    assert.match(ask('--allow-all').stdout, /open: open\ne:TOKEN: xyz/)
    assert.match(ask('--allow-read', '--deny-env').stdout, /open: open\ne:TOKEN: \(none\)/)
    assert.match(
      ask('--deny-read', '--allow-env').stdout,
      /open: (?:No such file or directory|Capabilities insufficient)\ne:TOKEN: xyz/,
    )
  })

  it('are kept with the container, so that a start asks nobody', () => {
    coracle.output('create', '--name', 'kept', '-A', 'wishes', `r:${data}/open`)
    assert.match(coracle.output('start', '-a', 'kept'), /open: open/)
    assert.match(coracle.output('inspect', '--as-command', 'kept'), /--mount=type=bind,source=\S+,target=\S+,readonly/)
    coracle.output('rm', 'kept')
  })

  it('of the network are none, not even a way to itself', () => {
    assert.equal(
      coracle.output('inspect', '-f', '{{.HostConfig.NetworkMode}}', coracle.output('create', './app.wasm')),
      'none',
    )
    const net = coracle.output('create', '--allow-net=api.example:443', './app.wasm')
    assert.match(
      coracle.output('inspect', '-f', '{{.HostConfig.NetworkMode}} {{json .HostConfig.AllowNet}}', net),
      /^(?!none)\S+ \["api.example:443"\]$/,
    )
  })
})

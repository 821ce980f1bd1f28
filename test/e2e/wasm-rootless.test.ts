/** WebAssembly of an ordinary user: the same files, volumes and permissions, by a user namespace. */
import assert from 'node:assert/strict'
import { chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { type Coracle, openCoracle } from '../support/coracle.ts'
import { fileModule } from '../support/file-module.ts'
import { directory, file, tarOf } from '../support/images.ts'
import { needsRoot } from '../support/needs-root.ts'
import { makeUser, removeUser } from '../support/ordinary-user.ts'
import { moduleFromText } from '../support/wasm.ts'

const SPIN = '(module (memory (export "memory") 1) (func (export "_start") (loop $again (br $again))))'
const USER = 'coracle-wasm'

describe('a module of an ordinary user', function () {
  this.timeout(120_000)
  let coracle: Coracle
  let uid = 0
  before(async function () {
    needsRoot(this) // to make the ordinary user
    const module = await fileModule()
    const user = makeUser(this, USER)
    uid = user.uid
    coracle = openCoracle(user)
    const tar = join(coracle.directory, 'app.tar')
    writeFileSync(tar, tarOf([directory('data'), file('data/f', 'of the image\n'), file('app.wasm', module, 0o755)]))
    coracle.output('import', '--platform', 'wasi/wasm', '-c', 'ENTRYPOINT ["/app.wasm"]', tar, 'app')
    writeFileSync(join(coracle.directory, 'app.wasm'), module)
    mkdirSync(join(coracle.directory, 'own'))
    chownSync(join(coracle.directory, 'own'), user.uid, user.gid)
  })
  after(() => {
    coracle?.close()
    removeUser(USER)
  })

  it('keeps what it writes, which diff sees', () => {
    coracle.output('run', '--name', 'writer', 'app', 'w:/new', 'u:/data/f')
    assert.equal(coracle.output('diff', 'writer'), 'C /data\nD /data/f\nA /new')
    assert.match(coracle.output('start', '-a', 'writer'), /u:\/data\/f: No such file/)
    coracle.output('rm', 'writer')
  })

  it('has binds, volumes and file systems in memory, and files that belong to the user', () => {
    const own = join(coracle.directory, 'own')
    const flags = ['-v', `${own}:/own`, '-v', 'named:/data', '--tmpfs', '/t:size=1m']
    const words = ['w:/own/made', 'l:/data', 'f:/t/x', 'r:/etc/shadow', 'l:/']
    assert.deepEqual(coracle.output('run', '--rm', ...flags, 'app', ...words).split('\n'), [
      'w:/own/made: ok',
      'l:/data: f',
      'f:/t/x: No space left on device after 1 MiB',
      'r:/etc/shadow: Capabilities insufficient',
      'l:/: app.wasm data own t',
    ])
    assert.equal(statSync(join(own, 'made')).uid, uid)
    assert.equal(readFileSync(join(own, 'made'), 'utf8'), 'written\n')
  })

  it('is looked into while it runs: its files, its processes, what it uses', async () => {
    writeFileSync(join(coracle.directory, 'spin.wasm'), await moduleFromText(SPIN))
    coracle.output('run', '-d', '--name', 'spin', './spin.wasm')
    coracle.output('cp', join(coracle.directory, 'own/made'), 'spin:/copied')
    assert.equal(coracle.output('diff', 'spin'), 'A /copied')
    assert.match(coracle.output('top', 'spin'), /node/)
    assert.doesNotMatch(coracle.output('stats', '--no-stream', '--format', '{{.MemUsage}}', 'spin'), /^0B/)
    coracle.output('rm', '-f', 'spin')
  })

  it('may have no more than the user', () => {
    const { stdout } = coracle.run([
      'run',
      '--rm',
      '--allow-read=/etc',
      './app.wasm',
      'r:/etc/shadow',
      'r:/etc/hostname',
    ])
    assert.match(stdout, /^r:\/etc\/shadow: Permission denied\nr:\/etc\/hostname: .+\n$/)
  })

  it('leaves nothing behind', () => {
    assert.deepEqual(coracle.leftovers(), [])
  })
})

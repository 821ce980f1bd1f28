import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { OCI_LAYER } from '../../../src/oci/media-types.ts'
import { packageRoot } from '../../../src/package-root.ts'
import { needsRoot } from '../../support/needs-root.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { device, directory, file, sha256, symlink, tarOf } from '../../support/tar.ts'

/** A user that no file of this host knows: a namespace of one id. */
const UID = 54_321

const inPackage = (path: string) => JSON.stringify(join(packageRoot, path))
const SCRIPT = `
  import { createReadStream } from 'node:fs'
  import { unpackLayer } from ${inPackage('src/images/layers/unpack.ts')}
  import { readIdMappings } from ${inPackage('src/linux/id-mappings.ts')}
  import { removeTree } from ${inPackage('src/linux/remove-tree.ts')}
  const [tar, diffID, target, removed] = process.argv.slice(1)
  if (removed !== undefined) await removeTree(removed)
  else await unpackLayer({
    blob: createReadStream(tar), mediaType: ${JSON.stringify(OCI_LAYER)}, diffID, target, idMaps: readIdMappings(),
  })`

describe('unpackLayer as an ordinary user with a single id', () => {
  it('gives the user all files, hides lower layers by attributes of its own, leaves devices out, and can remove all again', async function () {
    needsRoot(this) // to become that user
    const scratch = await scratchDirectory()
    chmodSync(scratch, 0o711)
    const home = join(scratch, 'home')
    const target = join(home, 'root')
    for (const path of [home, target]) {
      mkdirSync(path)
      chownSync(path, UID, UID)
    }
    const tar = tarOf([
      directory('d', { uid: 0, gid: 42, mode: 0o555 }),
      file('d/f', 'content', { uid: 33, gid: 33, mode: 0o4755 }),
      file('d/.wh.gone'),
      directory('o', { uid: 7 }),
      file('o/.wh..wh..opq'),
      symlink('s', 'd/f', { uid: 33 }),
      device('null', 'c', [1, 3, { pax: { 'SCHILY.xattr.user.of': 'nothing' } }]),
      file('after', 'x', { pax: { 'SCHILY.xattr.trusted.a': 'only for root' } }),
    ])
    const archive = join(scratch, 'layer.tar')
    writeFileSync(archive, tar)
    chmodSync(archive, 0o644)
    const asUser = (...args: string[]) =>
      spawnSync(process.execPath, ['--input-type=module', '-e', SCRIPT, ...args], {
        uid: UID,
        gid: UID,
        encoding: 'utf8',
        cwd: '/',
      })

    const { status, stderr } = asUser(archive, sha256(tar), target)
    if (/unshare|user namespace|uid_map/.test(stderr)) {
      console.log(`skipped: this host lets no ordinary user have a user namespace: ${stderr.slice(0, 200)}`)
      this.skip()
    }
    assert.equal(status, 0, stderr)
    assert.equal(readFileSync(join(target, 'd/f'), 'utf8'), 'content')
    for (const name of ['d', 'd/f', 's', 'o', 'after']) assert.equal(lstatSync(join(target, name)).uid, UID)
    assert.equal(lstatSync(join(target, 'd/f')).mode & 0o7777, 0o4755)
    const whiteout = lstatSync(join(target, 'd/gone'))
    assert(whiteout.isCharacterDevice() && whiteout.rdev === 0)
    const opaque = execFileSync('getfattr', ['--only-values', '-n', 'user.overlay.opaque', join(target, 'o')], {
      encoding: 'utf8',
    })
    assert.equal(opaque, 'y')
    assert.throws(() => lstatSync(join(target, 'null')))

    assert.equal(asUser('', '', '', target).status, 0)
    assert.throws(() => lstatSync(target))
  })
})

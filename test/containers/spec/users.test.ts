import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { resolveUser } from '../../../src/containers/spec/users.ts'

const files = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\n# comment\nbroken\napp:x:1000:1001::/srv/app:/bin/sh\n7:x:70:70::/seven:\n',
  group: 'root:x:0:\nwheel:x:10:root,app\nbackup:x:34:app\n',
}
const ids = (user: string, add: readonly string[] = []) => {
  const { uid, gid, groups, home } = resolveUser(user, add, files)
  return [uid, gid, groups, home]
}

describe('resolveUser', () => {
  it('takes root with its groups and home when nothing is said', () => {
    assert.deepEqual(ids(''), [0, 0, [0, 10], '/root'])
  })

  it('knows names and numbers of the image', () => {
    assert.deepEqual(ids('app'), [1000, 1001, [1001, 10, 34], '/srv/app'])
    assert.deepEqual(ids('1000'), [1000, 1001, [1001, 10, 34], '/srv/app'])
  })

  it('takes a number the image does not know as it is, with group 0', () => {
    assert.deepEqual(ids('4242'), [4242, 0, [0], '/'])
    assert.deepEqual(ids('4242:4343'), [4242, 4343, [4343], '/'])
  })

  it('leaves memberships out when a group is given', () => {
    assert.deepEqual(ids('app:backup'), [1000, 34, [34], '/srv/app'])
    assert.deepEqual(ids(':backup'), [0, 34, [34], '/root'])
  })

  it('prefers a name made of digits to the number', () => {
    assert.deepEqual(ids('7'), [70, 70, [70], '/seven'])
  })

  it('adds groups by name and number', () => {
    assert.deepEqual(ids('app', ['wheel', '77']), [1000, 1001, [1001, 10, 34, 77], '/srv/app'])
  })

  it('says what the image does not have', () => {
    assert.throws(() => ids('nobody'), /unable to find user nobody: no matching entries in passwd file/)
    assert.throws(() => ids('app:none'), /unable to find group none: no matching entries in group file/)
    assert.throws(() => ids('4294967296'), /must be in range/)
    assert.throws(() => ids('-1'), /must be in range/)
  })

  it('survives files made to hurt', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.stringMatching(/^[a-z0-9:]*$/), (passwd, group, user) => {
        try {
          const { uid, gid } = resolveUser(user, [], { passwd, group })
          assert(uid >= 0 && gid >= 0 && uid < 2 ** 31 && gid < 2 ** 31)
        } catch (error) {
          assert.match((error as Error).message, /unable to find|must be in range/)
        }
      }),
    )
  })
})

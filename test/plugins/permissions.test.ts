import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import {
  describePermission,
  grantedEnvironment,
  grantedPaths,
  missingPermissions,
  nodePermissionFlags,
  permissionFault,
} from '../../src/plugins/permissions.ts'

describe('permissions', () => {
  it('knows its words and no others', () => {
    const plain = [
      'read',
      'read=/a',
      'write=./b',
      'write=.',
      'read=..',
      'read=../../x',
      'env=HOME',
      'env',
      'net',
      'run',
    ]
    for (const word of [...plain, 'engine:read', 'engine:run', 'engine:write'])
      assert.equal(permissionFault(word), undefined, word)
    for (const word of [
      '',
      'all',
      'read=',
      'read=a',
      'read=*',
      'read=/a*',
      'read=/a,/b',
      'env=A B',
      'net=x',
      'read=/data/../etc',
      'write=./data/..',
      'read=../x/../../y',
      'read=/..',
      'engine',
      'engine:all',
      'toString',
    ])
      assert.notEqual(permissionFault(word), undefined, word)
  })

  it('takes relative paths for those of the directory', () => {
    assert.deepEqual(grantedPaths(['read=./a', 'write=/b', 'read=..'], '/home/me'), {
      read: ['/home/me/a', '/home'],
      write: ['/b'],
    })
  })

  it('tells Node no more than was granted', () => {
    assert.deepEqual(nodePermissionFlags(['engine:read', 'env'], '/'), [])
    assert.deepEqual(nodePermissionFlags(['read', 'write=/b', 'net', 'run'], '/x'), [
      '--allow-fs-read=*',
      '--allow-fs-write=/b',
      '--allow-net',
      '--allow-child-process',
    ])
  })

  it('finds what is missing; a kind covers all of its words', () => {
    assert.deepEqual(missingPermissions(['read=/a', 'net'], ['read']), ['net'])
    assert.deepEqual(missingPermissions(['read'], ['read=/a']), ['read'])
  })

  it('shows only the variables that were granted, and never those that steer Node', () => {
    const env = { A: '1', B: '2', TERM: 'x', NODE_OPTIONS: '--require=x', LD_PRELOAD: 'y' }
    assert.deepEqual(grantedEnvironment(['env=A'], env), { TERM: 'x', A: '1' })
    assert.deepEqual(grantedEnvironment(['env'], env), { A: '1', B: '2', TERM: 'x' })
    assert.deepEqual(grantedEnvironment(['env=NODE_OPTIONS'], env), { TERM: 'x' })
  })

  it('says in words what is asked', () => {
    assert.equal(describePermission('write=/a'), 'write, make and remove /a')
    assert.match(describePermission('run'), /whatever you can/)
  })
})

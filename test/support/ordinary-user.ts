/** An ordinary user for tests that root runs. */
import { execFileSync, spawnSync } from 'node:child_process'
import type { Context } from 'mocha'
import type { User } from './coracle.ts'

/** Skips, aloud, where none can be made. */
export function makeUser(context: Context, name: string): User {
  if (spawnSync('id', [name]).status !== 0 && spawnSync('useradd', ['--create-home', name]).status !== 0) {
    console.log('skipped: cannot make a user for this test')
    context.skip()
  }
  const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

export function removeUser(name: string): void {
  spawnSync('userdel', ['--remove', name])
}

/** A program that starts after a pause, whatever becomes of this process (native/after.c). */
import { spawn } from 'node:child_process'
import { nativeProgram } from '../package-root.ts'
import { type ProcessIdentity, readProcessIdentity } from '../util/process-identity.ts'
import type { CallBack } from './call-back.ts'

/** @returns who waits, some 400 KB small, and then becomes the program; undefined: it could not be started */
export function callLater({ argv, env }: CallBack, delayMs: number): ProcessIdentity | undefined {
  const child = spawn(nativeProgram, ['after', String(delayMs), ...argv], {
    detached: true,
    cwd: '/',
    stdio: 'ignore',
    env: Object.fromEntries(env.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])),
  })
  child.on('error', () => {}) // it has no pid then, which is looked at next
  child.unref()
  return child.pid === undefined ? undefined : readProcessIdentity(child.pid)
}

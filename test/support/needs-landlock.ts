/** Skips, aloud, where the kernel cannot enclose files. */
import { spawnSync } from 'node:child_process'
import type { Context } from 'mocha'

/** `landlock_create_ruleset`, the same number on all processors, asked for its version. */
const VERSION = 'import ctypes; print(ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1))'

export function needsLandlock(context: Context): void {
  const { stdout } = spawnSync('python3', ['-Ic', VERSION], { encoding: 'utf8' })
  if (Number(stdout) >= 1) return
  console.log('skipped: this needs a kernel with Landlock')
  context.skip()
}

/** Temporary directories that go away with the test run's part that asked for them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'mocha'
import { removeAll } from '../../src/util/remove-all.ts'

const made: string[] = []
const kept: string[] = []

/** A fresh empty directory, removed after the current test. For `before` hooks use `keptDirectory`. */
export async function scratchDirectory(prefix = 'coracle-test-'): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), prefix))
  made.push(path)
  return path
}

/** A fresh empty directory for several tests, removed when the process ends. */
export async function keptDirectory(prefix = 'coracle-test-'): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), prefix))
  kept.push(path)
  return path
}

afterEach(async () => {
  const paths = made.splice(0)
  kept.push(...paths) // once more at the end: what a test killed may still have something to write
  for (const path of paths) await rm(path, { recursive: true, force: true, maxRetries: 5 })
})

process.once('exit', () => {
  for (const path of kept) removeAll(path)
})

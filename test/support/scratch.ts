/** Temporary directories that go away with the test that asked for them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'mocha'

const made: string[] = []

/** A fresh empty directory, removed after the current test. */
export async function scratchDirectory(prefix = 'coracle-test-'): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), prefix))
  made.push(path)
  return path
}

afterEach(async () => {
  for (const path of made.splice(0)) await rm(path, { recursive: true, force: true })
})

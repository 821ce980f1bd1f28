/** Compares with a file beside the test; `UPDATE_GOLDEN=1` writes it anew, for a person to read the difference. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

export function assertGolden(path: string, actual: unknown): void {
  const isText = typeof actual === 'string'
  if (process.env['UPDATE_GOLDEN'] === '1')
    writeFileSync(path, isText ? actual : `${JSON.stringify(actual, undefined, 2)}\n`)
  assert(existsSync(path), `${path} is missing: run with UPDATE_GOLDEN=1`)
  const expected = readFileSync(path, 'utf8')
  // Through JSON, so that the formatter may lay the file out.
  if (isText) assert.equal(actual, expected)
  else assert.deepEqual(JSON.parse(JSON.stringify(actual)), JSON.parse(expected))
}

// node --test, where `coracle` can be found: npm link coracle
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { backendSuite } from 'coracle/plugin/testing'
import { createBackend } from './backend.js'

for (const { title, run } of backendSuite(() => createBackend('bwrap'))) it(title, run)

it('says what is missing when bubblewrap is not installed', () => {
  const support = createBackend('bwrap', '/nowhere/bwrap').check({ os: 'linux', architecture: 'amd64' })
  assert(!support.ok && support.reason.includes(process.geteuid?.() === 0 ? '/nowhere/bwrap' : 'root'))
})

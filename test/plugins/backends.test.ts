/** Every backend that ships keeps the contract, by the suite that plugin authors get. */
import { describe, it } from 'mocha'
import { createLinuxBackend } from '../../src/linux/backend.ts'
import { createOciBackend } from '../../src/linux/oci-backend.ts'
import { compileSeccomp } from '../../src/linux/seccomp/compile.ts'
import type { IsolationBackend } from '../../src/plugins/contract.ts'
import { type BackendTraits, backendSuite } from '../../src/plugins/testing.ts'
import { createWasiBackend } from '../../src/sandbox/backend.ts'
import { scratchDirectory } from '../support/scratch.ts'

function describeBackend(name: string, open: () => Promise<IsolationBackend>, traits: BackendTraits = {}): void {
  describe(`the ${name} backend`, () => {
    for (const { title, run } of backendSuite(open, traits)) it(title, run)
  })
}

describeBackend('linux', async () => createLinuxBackend({ cacheDirectory: await scratchDirectory() }))
describeBackend('wasi', async () =>
  createWasiBackend({
    enclosed: true,
    idMapSteps: () => [],
    mountSteps: () => [],
    denySteps: () => [],
    compileFilter: async (spec) => compileSeccomp(spec),
  }),
)
// Any program that fails politely: what the suite asks of this backend is decided before a runtime is called.
describeBackend(
  'oci',
  async () => createOciBackend({ runtime: '/bin/false', stateDirectory: await scratchDirectory() }),
  { ownGroups: true },
)

import { createLinuxBackend } from '../../src/linux/backend.ts'
import { createOciBackend } from '../../src/linux/oci-backend.ts'
import { compileSeccomp } from '../../src/linux/seccomp/compile.ts'
import { createWasiBackend } from '../../src/sandbox/backend.ts'
import { scratchDirectory } from '../support/scratch.ts'
import { describeBackend } from './backend-suite.ts'

describeBackend('linux', async () => createLinuxBackend({ cacheDirectory: await scratchDirectory() }))
describeBackend('wasi', async () =>
  createWasiBackend({ mountSteps: () => [], compileFilter: async (spec) => compileSeccomp(spec) }),
)
// Any program that fails politely: what the suite asks of this backend is decided before a runtime is called.
describeBackend(
  'oci',
  async () => createOciBackend({ runtime: '/bin/false', stateDirectory: await scratchDirectory() }),
  { ownGroups: true },
)

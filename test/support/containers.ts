/** Containers and settings for tests that need some, whichever. */
import { randomBytes } from 'node:crypto'
import type { ContainerSettings } from '../../src/containers/config.ts'
import { parseRunRequest } from '../../src/containers/parse/run-request.ts'
import type { NewContainer } from '../../src/containers/records.ts'
import type { RunFlags } from '../../src/containers/types.ts'

/** What `run FLAGS busybox COMMAND` asks for. */
export function settingsOf(flags: RunFlags = {}, command: readonly string[] = ['true']): ContainerSettings {
  return parseRunRequest({ image: 'busybox', command, flags })
}

/** A container that has never been stored, with an id of its own. */
export function newContainer(changes: Partial<NewContainer> = {}): NewContainer {
  const { config, host, platform } = settingsOf()
  return {
    id: randomBytes(32).toString('hex'),
    name: '',
    image: `sha256:${'1'.repeat(64)}`,
    imageName: 'busybox',
    backend: 'linux',
    settings: { config, host, platform, argv: ['true'] },
    ...changes,
  }
}

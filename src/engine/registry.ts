/** The registry client, opened when an image operation first needs the network: it is the heaviest room of all. */
import type { CredentialKeeper } from '../images/context.ts'
import type { RegistryClient, RegistryRepository } from '../registry/client.ts'

export interface OpenedRegistry {
  readonly client: RegistryClient
  readonly credentials: CredentialKeeper
  close(): Promise<void>
}

/** @param onWarning - told what registries want their users to read */
export function openRegistry(onWarning?: (text: string) => void): OpenedRegistry {
  let opened: Promise<RegistryClient> | undefined
  const open = () => (opened ??= load(onWarning))
  const close = async () => {
    if (opened !== undefined) await (await opened).close()
    opened = undefined
  }
  return {
    client: {
      repository: (reference, scope) =>
        lazyRepository(async () => (await open()).repository(reference, scope), reference),
      login: async (registry, credentials) => (await open()).login(registry, credentials),
      close,
    },
    credentials: {
      store: async (registry, credentials) =>
        (await import('../registry/credentials.ts')).storeCredentials(registry, credentials),
      erase: async (registry) => (await import('../registry/credentials.ts')).eraseCredentials(registry),
    },
    close,
  }
}

async function load(onWarning: ((text: string) => void) | undefined): Promise<RegistryClient> {
  const { openRegistryClient } = await import('../registry/open-client.ts')
  return openRegistryClient(onWarning === undefined ? {} : { onWarning })
}

function lazyRepository(
  make: () => Promise<RegistryRepository>,
  reference: RegistryRepository['reference'],
): RegistryRepository {
  let made: Promise<RegistryRepository> | undefined
  const open = () => (made ??= make())
  return {
    reference,
    resolve: async (...args) => (await open()).resolve(...args),
    getManifest: async (...args) => (await open()).getManifest(...args),
    getBlob: async (...args) => (await open()).getBlob(...args),
    pushBlob: async (...args) => (await open()).pushBlob(...args),
    putManifest: async (...args) => (await open()).putManifest(...args),
    async *tags(...args) {
      yield* (await open()).tags(...args)
    },
  }
}

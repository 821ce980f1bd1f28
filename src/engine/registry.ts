/** The registry client, opened when an image operation first needs the network: it is the heaviest room of all. */
import { existsSync } from 'node:fs'
import type { CredentialKeeper } from '../images/context.ts'
import type { Reference } from '../oci/reference.ts'
import { npmIndexPath, readPaths } from '../paths.ts'
import type { RegistryClient, RegistryRepository } from '../registry/client.ts'

export interface LazyRegistry {
  readonly client: RegistryClient
  readonly credentials: CredentialKeeper
}

export interface RegistryEvents {
  /** What a registry wants its users to read. */
  readonly onWarning?: (text: string) => void
}

export function openRegistry(events: RegistryEvents = {}): LazyRegistry {
  let opened: Promise<RegistryClient> | undefined
  const open = async () => {
    await useHelpers()
    return (await import('../registry/open-client.ts')).openRegistryClient(events)
  }
  const client = () => {
    opened ??= open()
    return opened
  }
  return {
    client: {
      repository: (reference, scope) =>
        lazyRepository(reference, async () => (await client()).repository(reference, scope)),
      login: async (...args) => (await client()).login(...args),
      close: async () => (await opened)?.close(),
    },
    credentials: {
      store: async (...args) => (await credentials()).storeCredentials(...args),
      erase: async (registry) => (await credentials()).eraseCredentials(registry),
    },
  }
}

function lazyRepository(reference: Reference, open: () => Promise<RegistryRepository>): RegistryRepository {
  let opened: Promise<RegistryRepository> | undefined
  const repository = () => {
    opened ??= open()
    return opened
  }
  return {
    reference,
    resolve: async (...args) => (await repository()).resolve(...args),
    getManifest: async (...args) => (await repository()).getManifest(...args),
    getBlob: async (...args) => (await repository()).getBlob(...args),
    pushBlob: async (...args) => (await repository()).pushBlob(...args),
    putManifest: async (...args) => (await repository()).putManifest(...args),
    tags: async function* (...args) {
      yield* (await repository()).tags(...args)
    },
  }
}

async function credentials(): Promise<typeof import('../registry/credentials.ts')> {
  await useHelpers()
  return import('../registry/credentials.ts')
}

/** Credential helpers may be plugins, of which the registry room knows nothing. */
async function useHelpers(): Promise<void> {
  const paths = readPaths()
  if (!existsSync(npmIndexPath(paths))) return
  const [{ findHelpersBy }, { helperWords }] = await Promise.all([
    import('../registry/credential-helper.ts'),
    import('../plugins/npm/credential-helper.ts'),
  ])
  findHelpersBy(async (name) => helperWords(paths, name))
}

/** The registry client, opened when an image operation first needs the network: it is the heaviest room of all. */
import { HostUnsupported } from '../errors.ts'
import type { CredentialKeeper } from '../images/context.ts'
import type { RegistryClient } from '../registry/client.ts'

export interface OpenedRegistry {
  readonly client: RegistryClient
  readonly credentials: CredentialKeeper
  close(): Promise<void>
}

export function openRegistry(): OpenedRegistry {
  const missing = (): never => {
    throw new HostUnsupported('this build has no registry client')
  }
  return {
    client: { repository: missing, login: missing, close: async () => {} },
    credentials: { store: missing, erase: missing },
    close: async () => {},
  }
}

/** `login` and `logout`: the credentials are tried first, then stored where the docker configuration says. */
import { InvalidArgument } from '../errors.ts'
import type { ImageContext } from './context.ts'

const DOCKER_HUB = 'https://index.docker.io/v1/'

export interface LoginOptions {
  readonly registry?: string
  readonly username?: string
  readonly password?: string
}

/**
 * @returns docker's words; the warning says that the password was stored in plain text, and where
 * @throws {InvalidArgument} name or password are missing
 */
export async function login(
  context: ImageContext,
  { registry, username, password }: LoginOptions,
): Promise<{ message: string; warning?: string }> {
  if (username === undefined || username === '') throw new InvalidArgument('username is empty')
  if (password === undefined || password === '') throw new InvalidArgument('password is empty')
  const host = hostOf(registry)
  const { identityToken } = await context.registry.login(host, { username, password })
  const stored = await context.credentials.store(host, {
    username,
    password,
    ...(identityToken !== undefined && { identityToken }),
  })
  const warning =
    stored.plainTextPath === undefined
      ? undefined
      : `WARNING! Your credentials are stored unencrypted in '${stored.plainTextPath}'.\n` +
        'Configure a credential helper to remove this warning. See\nhttps://docs.docker.com/go/credential-store/'
  return { message: 'Login Succeeded', ...(warning !== undefined && { warning }) }
}

/** Never fails on a registry that nobody has logged in to. */
export async function logout(context: ImageContext, registry?: string): Promise<{ message: string }> {
  const host = hostOf(registry)
  await context.credentials.erase(host)
  return { message: `Removing login credentials for ${host === 'docker.io' ? DOCKER_HUB : host}` }
}

/** `https://registry.example/v2/` means the host. */
function hostOf(registry: string | undefined): string {
  const host = (registry ?? 'docker.io').replace(/^https?:\/\//, '').replace(/\/.*$/, '')
  return host === '' || host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host
}

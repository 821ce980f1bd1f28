/** Certificates of a registry in docker's layout: certs.d/HOST:PORT/{*.crt, *.cert + *.key}. */
import { readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { InvalidArgument } from '../errors.ts'

export interface Certificates {
  /** The system's and the registry's own. */
  readonly ca?: readonly string[]
  readonly cert?: string
  readonly key?: string
}

/** @param env - `CORACLE_CERTS_D` names the only directory to look in */
export function certificateDirectories(env: NodeJS.ProcessEnv = process.env): readonly string[] {
  if (env['CORACLE_CERTS_D'] !== undefined) return [env['CORACLE_CERTS_D']]
  const config = env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config')
  return [join(config, 'coracle/certs.d'), '/etc/docker/certs.d']
}

/** @throws {InvalidArgument} a certificate without its key */
export function readCertificates(host: string, directories = certificateDirectories()): Certificates {
  for (const base of directories) {
    const directory = join(base, host)
    const names = listOrNothing(directory)
    if (names.length > 0) return fromDirectory(directory, names)
  }
  return {}
}

function fromDirectory(directory: string, names: readonly string[]): Certificates {
  const read = (name: string) => readFileSync(join(directory, name), 'utf8')
  const authorities = names.filter((name) => name.endsWith('.crt')).map(read)
  const cert = names.find((name) => name.endsWith('.cert'))
  const ca = authorities.length > 0 && { ca: [...rootCertificates, ...authorities] }
  if (cert === undefined) return { ...ca }
  const key = cert.replace(/\.cert$/, '.key')
  if (!names.includes(key))
    throw new InvalidArgument(`${join(directory, cert)} has no key beside it`, { hint: `add ${join(directory, key)}` })
  return { ...ca, cert: read(cert), key: read(key) }
}

function listOrNothing(directory: string): string[] {
  try {
    return readdirSync(directory).toSorted()
  } catch {
    return [] // most registries need none
  }
}

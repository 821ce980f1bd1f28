/** Certificates of a registry in docker's layout: certs.d/HOST:PORT/{*.crt, *.cert + *.key}. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { InvalidArgument } from '../errors.ts'

export interface Certificates {
  /** The system's and the registry's own. */
  readonly ca: readonly string[]
  readonly cert?: string
  readonly key?: string
}

/** Names of what certs.d has for a host, in whichever of its directories. */
export function certificateFiles(host: string, directories = certificateDirectories()): readonly string[] {
  return directories.flatMap((directory) => listOrNothing(join(directory, host)))
}

/** @param env - `CORACLE_CERTS_D` names the only directory to look in */
export function certificateDirectories(env: NodeJS.ProcessEnv = process.env): readonly string[] {
  if (env['CORACLE_CERTS_D'] !== undefined) return [env['CORACLE_CERTS_D']]
  const config = env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config')
  return [join(config, 'coracle/certs.d'), '/etc/docker/certs.d']
}

/** @throws {InvalidArgument} a certificate without its key */
export function readCertificates(
  host: string,
  directories = certificateDirectories(),
  env: NodeJS.ProcessEnv = process.env,
): Certificates {
  const authorities = systemAuthorities(env)
  for (const base of directories) {
    const directory = join(base, host)
    const names = listOrNothing(directory)
    if (names.length > 0) return fromDirectory(directory, names, authorities)
  }
  return { ca: authorities }
}

/** Where distributions keep the authorities that the administrator trusts: Debian, Fedora, SUSE, Alpine. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

/** Of the system, as every other program of the host has them; Node's own where the system has none. */
function systemAuthorities(env: NodeJS.ProcessEnv): readonly string[] {
  const named = env['SSL_CERT_FILE']
  if (named !== undefined) return [readNamed(named)]
  const bundle = BUNDLES.find((path) => existsSync(path))
  return bundle === undefined ? rootCertificates : [readNamed(bundle)]
}

function readNamed(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new InvalidArgument(`cannot read the certificate authorities in ${path}: ${(cause as Error).message}`, {
      cause,
      hint: 'see SSL_CERT_FILE',
    })
  }
}

function fromDirectory(directory: string, names: readonly string[], system: readonly string[]): Certificates {
  const read = (name: string) => readFileSync(join(directory, name), 'utf8')
  const authorities = names.filter((name) => name.endsWith('.crt')).map(read)
  const cert = names.find((name) => name.endsWith('.cert'))
  const ca = [...system, ...authorities]
  if (cert === undefined) return { ca }
  const key = cert.replace(/\.cert$/, '.key')
  if (!names.includes(key))
    throw new InvalidArgument(`${join(directory, cert)} has no key beside it`, { hint: `add ${join(directory, key)}` })
  return { ca, cert: read(cert), key: read(key) }
}

function listOrNothing(directory: string): string[] {
  try {
    return readdirSync(directory).toSorted()
  } catch {
    return [] // most registries need none
  }
}

/** Real registries (Debian's docker-registry) that speak TLS, and may want a certificate. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { scratchDirectory } from './scratch.ts'

const run = promisify(execFile)

export interface SecuredRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** Its certificate, which is also the authority that client certificates must come from. */
  readonly certificate: string
}

export interface SecuredRegistryOptions {
  readonly tls?: boolean
  /** Nobody comes in without one. */
  readonly clientCertificates?: boolean
  /** `name:password` of the only user. */
  readonly user?: string
}

export async function startSecuredRegistry(options: SecuredRegistryOptions): Promise<SecuredRegistry> {
  const directory = await scratchDirectory('coracle-secured-')
  const port = await freePort()
  const [certificatePath, keyPath] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  const secure = options.tls === true || options.clientCertificates === true
  if (secure) await makeCertificate(certificatePath, keyPath)
  const users = join(directory, 'htpasswd')
  if (options.user !== undefined) {
    const [name = '', password = ''] = options.user.split(':')
    await writeFile(users, (await run('htpasswd', ['-Bbn', name, password])).stdout)
  }
  const config = {
    version: '0.1',
    log: { level: 'error' },
    ...(options.user !== undefined && { auth: { htpasswd: { realm: 'test', path: users } } }),
    storage: { filesystem: { rootdirectory: join(directory, 'data') } },
    http: {
      addr: `127.0.0.1:${port}`,
      ...(secure && {
        tls: {
          certificate: certificatePath,
          key: keyPath,
          ...(options.clientCertificates && { clientcas: [certificatePath] }),
        },
      }),
    },
  }
  await writeFile(join(directory, 'config.yml'), JSON.stringify(config)) // JSON is YAML
  const server = spawn('docker-registry', ['serve', join(directory, 'config.yml')], { stdio: 'ignore' })
  const exited = once(server, 'exit')
  const close = async () => {
    server.kill('SIGKILL')
    await exited
  }
  try {
    await untilListening(port)
  } catch (error) {
    await close()
    throw error
  }
  return {
    host: `127.0.0.1:${port}`,
    certificate: secure ? await readFile(certificatePath, 'utf8') : '',
    [Symbol.asyncDispose]: close,
  }
}

async function makeCertificate(certificatePath: string, keyPath: string): Promise<void> {
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-days', '2']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  await run('openssl', ['req', '-x509', ...kind, '-keyout', keyPath, '-out', certificatePath, ...subject])
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no address')
  return address.port
}

async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    try {
      await fetch(`http://127.0.0.1:${port}/v2/`)
      return
    } catch {
      await sleep(25) // not listening yet
    }
  }
  throw new Error('docker-registry did not start')
}

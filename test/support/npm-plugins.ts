/** npm plugins for tests: packages made on the spot, and a registry that hands them out. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'

export interface PackageParts {
  readonly name?: string
  readonly version?: string
  /** Of package.json, besides name, version and the like. */
  readonly more?: Readonly<Record<string, unknown>>
  /** By their paths in the package. */
  readonly files?: Readonly<Record<string, string>>
}

/** Writes a package into a directory of its own. @returns the directory */
export function writePackage(parent: string, parts: PackageParts): string {
  const { name = 'coracle-plugin-test', version = '1.0.0', more = {}, files = {} } = parts
  const directory = join(parent, `${name.replaceAll('/', '+')}-source-${version}`)
  const document = { name, version, description: 'A test', type: 'module', oclif: { commands: './commands' }, ...more }
  for (const [path, text] of Object.entries({ ...files, 'package.json': JSON.stringify(document) })) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
  return directory
}

/** What `npm pack` makes of it. @returns the tarball */
export function packPackage(directory: string): string {
  const target = dirname(directory)
  const output = execFileSync(
    'npm',
    ['pack', '--silent', '--ignore-scripts', '--pack-destination', target, directory],
    {
      cwd: target,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  return join(target, output.trim().split('\n').at(-1) ?? '')
}

/** Source of an oclif command that runs `body` with `argv` and `config`. */
export function commandSource(body: string, summary = 'A test'): string {
  return `export default class Test {
  static summary = ${JSON.stringify(summary)}
  static flags = {}
  static args = {}
  static async run(argv, config) { ${body} }
}
`
}

/**
 * Source of a network driver that makes links which work: a bridge for each network, and a pair of links for each container. Coracle's
 * native program makes them, by the steps; the driver takes away what it has named.
 */
export const BRIDGE_DRIVER = `
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { defineNetworkDriver } from 'coracle/plugin'

const linkName = (kind, id) => kind + '-' + createHash('sha256').update(id).digest('hex').slice(0, 10)

function removeLink(link) {
  const { status, stderr } = spawnSync('ip', ['link', 'delete', link], { encoding: 'utf8' })
  if (status !== 0 && !/Cannot find device/.test(stderr)) throw new Error('cannot remove ' + link + ': ' + stderr.trim())
}

export default defineNetworkDriver(() => ({
  create({ options }) {
    for (const name of Object.keys(options)) throw new Error('there is no option ' + name)
  },
  remove: ({ id }) => removeLink(linkName('tb', id)),
  join({ id, subnets }, { id: endpoint, interface: container, mac }) {
    const bridge = linkName('tb', id)
    const addresses = subnets.map(({ subnet, gateway }) => gateway + subnet.slice(subnet.indexOf('/')))
    return [
      { do: 'bridge', name: bridge, addresses },
      { do: 'veth', host: linkName('tv', endpoint), container, bridge, mac, group: 0 },
    ]
  },
  leave: (network, { id }) => removeLink(linkName('tv', id)),
}))
`

export interface NpmRegistry {
  readonly url: string
  /** Makes a version known, the newest one. */
  publish(directory: string): void
  /** What was asked for. */
  readonly requests: readonly string[]
  close(): void
}

interface Version {
  readonly document: Readonly<Record<string, unknown>> & { readonly name: string; readonly version: string }
  readonly tarball: Buffer
}

/** Real HTTP with npm's documents, as far as installing asks for them. */
export async function serveNpm(): Promise<NpmRegistry> {
  const versions: Version[] = []
  const requests: string[] = []
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '/').slice(1)
    requests.push(path)
    const archive = versions.find((each) => path === archivePath(each))
    const found = versions.filter(({ document }) => document.name === path)
    if (archive !== undefined) response.end(archive.tarball)
    else if (found.length > 0) response.end(JSON.stringify(packument(found, url())))
    else response.writeHead(404).end('{"error":"not found"}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: url(),
    requests,
    publish: (directory) => {
      const document = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Version['document']
      versions.push({ document, tarball: readFileSync(packPackage(directory)) })
    },
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const archivePath = ({ document }: Version): string => `${document.name}/-/${document.version}.tgz`

function packument(versions: readonly Version[], url: string): object {
  const entries = versions.map((each) => {
    const integrity = `sha512-${createHash('sha512').update(each.tarball).digest('base64')}`
    return [
      each.document.version,
      { ...each.document, dist: { tarball: `${url}/${archivePath(each)}`, integrity } },
    ] as const
  })
  const last = entries.at(-1)?.[0]
  return { name: versions[0]?.document.name, 'dist-tags': { latest: last }, versions: Object.fromEntries(entries) }
}

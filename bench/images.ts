/** Images for the benchmarks, made here and pushed to the benchmark's own registry. */
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { run } from './harness.ts'
import { type Bench, commandLine } from './peers.ts'

/** One layer with a static busybox. @returns the reference to pull */
export function pushBusybox(bench: Bench): string {
  return pushTree(bench, busyboxTree(bench), 'bench/busybox:1')
}

/** The same with this host's iperf3 and a client that asks for names. @returns the reference to pull */
export function pushNetworkTools(bench: Bench): string {
  const root = busyboxTree(bench)
  const iperf = run('sh', ['-c', 'command -v iperf3']).trim()
  for (const path of run('ldd', [iperf]).match(/\/\S+/g) ?? []) {
    mkdirSync(join(root, dirname(path)), { recursive: true })
    copyFileSync(path, join(root, path))
  }
  copyFileSync(iperf, join(root, 'bin/iperf3'))
  mkdirSync(join(root, 'tmp')) // for the buffers of iperf3
  const source = join(import.meta.dirname, 'lookup.c')
  run('gcc', ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-static', '-o', join(root, 'bin/lookup'), source])
  return pushTree(bench, root, 'bench/network:1')
}

/** Busybox and as many files of 2 KB, a hundred to a directory, at /data. @returns the reference to pull */
export function pushManyFiles(bench: Bench, files: number): string {
  const root = busyboxTree(bench)
  for (let file = 0; file < files; file++) {
    const directory = join(root, 'data', String(Math.floor(file / 100)))
    if (file % 100 === 0) mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, `file${file}`), `${file} `.repeat(400))
  }
  return pushTree(bench, root, 'bench/files:1')
}

function busyboxTree(bench: Bench): string {
  const root = join(bench.scratch, 'busybox')
  mkdirSync(join(root, 'bin'), { recursive: true })
  mkdirSync(join(root, 'etc'))
  copyFileSync(run('sh', ['-c', 'command -v busybox']).trim(), join(root, 'bin/busybox'))
  for (const applet of ['sh', 'true', 'cat', 'echo']) symlinkSync('busybox', join(root, 'bin', applet))
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n')
  return root
}

/** A layer's worth of this host's own files: real names, real sizes, real entropy. */
const HOST_TREES: readonly (readonly string[])[] = [
  ['usr/share'],
  ['usr/include', 'usr/bin'],
  ['usr/lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu', 'usr/lib/gcc'],
  ['usr/lib/python3', 'usr/lib/jvm', 'usr/lib/git-core', 'usr/lib/systemd', 'usr/sbin'],
]
const MAX_LAYER_FILES = 20_000

/**
 * Four gzip layers of this host's files, at most 20 000 each, written to the registry with nothing but its protocol.
 *
 * @returns the reference to pull and a line that says what is in it
 */
export async function pushHostTrees(bench: Bench): Promise<{ reference: string; contents: string }> {
  const layers = HOST_TREES.map((trees, index) => packTree(join(bench.scratch, `layer${index}.tar`), trees))
  const repository = 'bench/host'
  const repositoryUrl = `http://${bench.registry}/v2/${repository}`
  const descriptors = []
  for (const { compressed } of layers)
    descriptors.push(await pushBlob(repositoryUrl, readFileSync(compressed), GZIP_LAYER))
  const config = {
    architecture: hostArchitecture,
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffID }) => diffID) },
  }
  const configBlob = await pushBlob(repositoryUrl, Buffer.from(JSON.stringify(config)), OCI_CONFIG)
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: configBlob, layers: descriptors }
  await put(`${repositoryUrl}/manifests/1`, Buffer.from(JSON.stringify(manifest)), OCI_MANIFEST)
  const sum = (numbers: readonly number[]) => numbers.reduce((left, right) => left + right, 0)
  const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`
  const contents = [
    `${layers.length} layers`,
    `${megabytes(sum(descriptors.map(({ size }) => size)))} compressed`,
    `${megabytes(sum(layers.map(({ sizeBytes }) => sizeBytes)))} inflated`,
    `${sum(layers.map(({ entries }) => entries))} entries`,
  ].join(', ')
  return { reference: `${bench.registry}/${repository}:1`, contents }
}

interface PackedLayer {
  readonly compressed: string
  readonly diffID: string
  readonly sizeBytes: number
  readonly entries: number
}

function packTree(archive: string, trees: readonly string[]): PackedLayer {
  const list = `${archive}.list`
  const find = `cd / && find ${trees.join(' ')} -xdev 2>/dev/null | head -n ${MAX_LAYER_FILES} > '${list}'`
  run('sh', [
    '-c',
    `${find} && tar -C / --no-recursion --ignore-failed-read -T '${list}' -cf '${archive}' && gzip -k -6 '${archive}'`,
  ])
  const bytes = readFileSync(archive)
  const entries = readFileSync(list, 'utf8').split('\n').length - 1
  return { compressed: `${archive}.gz`, diffID: sha256(bytes), sizeBytes: bytes.length, entries }
}

const GZIP_LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'
const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json'
const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const hostArchitecture = process.arch === 'x64' ? 'amd64' : process.arch

async function pushBlob(repositoryUrl: string, bytes: Buffer, mediaType: string) {
  const digest = sha256(bytes)
  const started = await fetch(`${repositoryUrl}/blobs/uploads/`, { method: 'POST' })
  const location = new URL(started.headers.get('location') ?? '', repositoryUrl)
  location.searchParams.set('digest', digest)
  await put(location.href, bytes, 'application/octet-stream')
  return { mediaType, digest, size: bytes.length }
}

async function put(url: string, body: Buffer, contentType: string): Promise<void> {
  const answer = await fetch(url, {
    method: 'PUT',
    body: new Uint8Array(body),
    headers: { 'content-type': contentType },
  })
  if (!answer.ok) throw new Error(`PUT ${url}: ${answer.status} ${(await answer.text()).slice(0, 500)}`)
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function pushTree(bench: Bench, root: string, name: string): string {
  const archive = `${root}.tar`
  const reference = `${bench.registry}/${name}`
  run('tar', ['-C', root, '--owner=0', '--group=0', '-cf', archive, '.'])
  coracle(bench, ['import', archive, reference])
  coracle(bench, ['push', reference])
  coracle(bench, ['rmi', reference])
  return reference
}

function coracle(bench: Bench, args: readonly string[]): void {
  const [peer] = bench.peers
  if (peer === undefined) throw new Error('no coracle')
  run(...commandLine(peer, args), peer.env)
}

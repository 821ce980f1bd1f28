/** `wasm pack` as a user calls it; what it makes as other tools see it. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, it } from 'mocha'
import { digestOf } from '../../src/oci/digest.ts'
import { type Cli, openCli } from '../support/cli.ts'
import { componentFromText } from '../support/component.ts'
import { startTestRegistry } from '../support/image-registry.ts'
import { moduleFromText } from '../support/wasm.ts'

/** Prints what the first byte of its second argument is, and ends with 7. */
const MODULE = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\\20\\00\\00\\00\\06\\00\\00\\00")
  (data (i32.const 32) "hello\\n")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 0)))
    (call $exit (i32.const 7))))`
const COMPONENT =
  '(component (import "wasi:io/streams@0.2.3" (instance $i)) (export "wasi:http/incoming-handler@0.2.3" (instance $i)))'

let cli: Cli
let path: string

const inspect = (name: string) => JSON.parse(cli.output('image', 'inspect', name))[0]
const refused = (pattern: RegExp, ...args: string[]) => {
  const { status, stdout, stderr } = cli.run(['wasm', 'pack', ...args])
  assert.equal(status, 1, stderr)
  assert.equal(stdout, '')
  assert.match(stderr, pattern)
}

describe('wasm pack', function () {
  this.timeout(120_000)
  beforeEach(async () => {
    cli = await openCli()
    path = join(cli.directory, 'hello.wasm')
    writeFileSync(path, await moduleFromText(MODULE))
  })

  it('makes an image for wasi/wasm with all that was said about it', () => {
    mkdirSync(join(cli.directory, 'site'))
    writeFileSync(join(cli.directory, 'site/index.html'), 'page')
    const { stdout, stderr } = cli.run([
      ...['wasm', 'pack', path, '-t', 'hello', '-t', 'team/other:2', '--arg', 'one', '--arg', 'two', '-e', 'MODE=fast'],
      ...['--label', 'tier=front', '--permission', 'net=api.example:443', '--permission', 'env=TOKEN'],
      ...['--file', `${join(cli.directory, 'site')}:/srv`, '--expose', '9000', '--created', '2024-05-06T07:08:09Z'],
    ])
    assert.equal(stderr, 'Packed a command module\n')
    const image = inspect('hello')
    assert.equal(image.Id, stdout.trim())
    assert.deepEqual(image.RepoTags, ['hello:latest', 'team/other:2'])
    assert.deepEqual([image.Os, image.Architecture, image.Created], ['wasi', 'wasm', '2024-05-06T07:08:09Z'])
    assert.deepEqual(image.Config, {
      Entrypoint: ['/hello.wasm'],
      Cmd: ['one', 'two'],
      Env: ['MODE=fast'],
      Labels: { tier: 'front', 'coracle.permissions': 'net=api.example:443 env=TOKEN' },
      ExposedPorts: { '9000/tcp': {} },
    })
    const tar = join(cli.directory, 'image.tar')
    cli.output('save', '-o', tar, 'hello')
    const layout = join(cli.directory, 'layout')
    execFileSync('skopeo', ['--insecure-policy', 'copy', '-q', `docker-archive:${tar}`, `oci:${layout}:1`])
    const { layers } = JSON.parse(execFileSync('skopeo', ['inspect', '--raw', `oci:${layout}:1`], { encoding: 'utf8' }))
    const layer = join(layout, 'blobs', layers[0].digest.replace(':', '/'))
    assert.deepEqual(execFileSync('tar', ['-tzf', layer], { encoding: 'utf8' }).trim().split('\n'), [
      'hello.wasm',
      'srv/',
      'srv/index.html',
    ])
  })

  it('makes the same image of the same things', () => {
    const env = { SOURCE_DATE_EPOCH: '1700000000' }
    const pack = () => cli.run(['wasm', 'pack', '-q', path], { env }).stdout.trim()
    const id = pack()
    assert.match(id, /^sha256:[0-9a-f]{64}$/)
    assert.equal(pack(), id)
    assert.equal(inspect(id).Created, '2023-11-14T22:13:20Z')
  })

  it('makes what survives a registry, and runs when it comes back', async () => {
    const registry = await startTestRegistry()
    for (const [name, ...flags] of [['image'], ['artifact', '--artifact']]) {
      const reference = `${registry.host}/team/${name}:1`
      const id = cli.output('wasm', 'pack', '-q', path, '-t', reference, ...flags)
      await cli.served.output('push', '-q', reference)
      cli.output('rmi', reference)
      const { status, stdout } = await cli.served.run('run', '--rm', reference)
      assert.deepEqual([status, stdout], [7, 'hello\n'])
      assert.equal(cli.output('images', '-q', '--no-trunc', reference), id)
    }
  })

  it('makes artifacts as the layout of the CNCF has them', async () => {
    const registry = await startTestRegistry()
    const component = join(cli.directory, 'proxy.wasm')
    const bytes = await componentFromText(COMPONENT)
    writeFileSync(component, bytes)
    const reference = `${registry.host}/proxy:1`
    const words = ['--artifact', component, '-t', reference, '--annotation', 'a=b', '--permission', 'read=/data']
    cli.output('wasm', 'pack', '--created', '2024-05-06T07:08:09Z', ...words)
    await cli.served.output('push', '-q', reference)
    const ask = async (url: string, accept = '*/*') =>
      (await fetch(`http://${registry.host}/v2/proxy/${url}`, { headers: { accept } })).text()
    const manifest = JSON.parse(await ask('manifests/1', 'application/vnd.oci.image.manifest.v1+json'))
    assert.equal(manifest.config.mediaType, 'application/vnd.wasm.config.v0+json')
    assert.deepEqual(manifest.annotations, { a: 'b', 'coracle.permissions': 'read=/data' })
    assert.deepEqual(manifest.layers, [{ mediaType: 'application/wasm', digest: digestOf(bytes), size: bytes.length }])
    assert.deepEqual(JSON.parse(await ask(`blobs/${manifest.config.digest}`)), {
      created: '2024-05-06T07:08:09Z',
      architecture: 'wasm',
      os: 'wasip2',
      layerDigests: [digestOf(bytes)],
      component: { imports: ['wasi:io/streams@0.2.3'], exports: ['wasi:http/incoming-handler@0.2.3'] },
    })
  })

  it('makes images that podman takes', function () {
    if (spawnSync('podman', ['--version']).status !== 0) this.skip()
    cli.output('wasm', 'pack', path, '-t', 'hello')
    const tar = join(cli.directory, 'image.tar')
    cli.output('save', '-o', tar, 'hello')
    const store = [
      '--root',
      join(cli.directory, 'podman'),
      '--runroot',
      join(cli.directory, 'podman-run'),
      '--storage-driver',
      'vfs',
    ]
    const podman = (...args: string[]) => execFileSync('podman', [...store, ...args], { encoding: 'utf8' })
    podman('load', '-q', '-i', tar)
    const inspected = podman('image', 'inspect', '-f', '{{.Os}}/{{.Architecture}} {{.Config.Entrypoint}}', 'hello')
    assert.equal(inspected.trim(), 'wasi/wasm [/hello.wasm]')
    podman('rmi', 'hello')
  })

  it('exposes the port of a component that serves HTTP', async () => {
    writeFileSync(path, await componentFromText(COMPONENT))
    const { stderr } = cli.run(['wasm', 'pack', path, '-t', 'proxy'])
    assert.equal(stderr, 'Packed a component (wasi:http/proxy)\n')
    assert.deepEqual(inspect('proxy').Config.ExposedPorts, { '8080/tcp': {} })
  })

  it('refuses what is no program, in one line and a hint', async () => {
    const module = readFileSync(path)
    const refusedBytes = (bytes: string | Buffer, pattern: RegExp) => {
      writeFileSync(path, bytes)
      refused(pattern, path)
    }
    refused(/^coracle: .*missing\.wasm: no such file\n$/, join(cli.directory, 'missing.wasm'))
    refused(/^coracle: .* is no file\n$/, cli.directory)
    refusedBytes('#!/bin/sh', /^coracle: .*hello\.wasm: it is no WebAssembly, or damaged\ngive a module/)
    for (const size of [7, 9, 60, module.length - 30, module.length - 1])
      refusedBytes(module.subarray(0, size), /no WebAssembly, or damaged/)
    refusedBytes('(module)', /is WebAssembly text\ncompile it first/)
    const old = '(module (import "wasi_unstable" "proc_exit" (func (param i32))) (func (export "_start")))'
    refusedBytes(await moduleFromText(old), /preview 0/)
    refusedBytes(await moduleFromText('(module (func (export "f")))'), /is a library and exports no _start/)
    refusedBytes(await componentFromText('(component)'), /exports neither wasi:cli\/run/)
  })

  it('refuses flags that make no sense', () => {
    refused(/^coracle: invalid reference "Not A Name"/, path, '-t', 'Not A Name')
    refused(/^coracle: an artifact is the program alone: --env has no place in it/, path, '--artifact', '-e', 'A=b')
    refused(/^coracle: invalid --file/, path, '--file', 'x')
    refused(/^coracle: .*absent: no such file or directory/, path, '--file', 'absent:/x')
    refused(/^coracle: \/hello\.wasm would be in the image twice/, path, '--file', `${path}:/`)
    refused(/^coracle: invalid --permission "all"/, path, '--permission', 'all')
    refused(/^coracle: invalid value for "created"/, path, '--created', 'yesterday')
    assert.equal(cli.output('images', '-q', '-a'), '')
    symlinkSync('.', join(cli.directory, 'circle'))
    refused(/circle leads back to a directory/, path, '--file', `${join(cli.directory, 'circle')}:/x`)
  })
})

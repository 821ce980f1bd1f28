/** Build contexts behind URLs, and named contexts of every kind. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'mocha'
import { writeContext } from '../support/build-context.ts'
import { type Coracle, type Outcome, openCoracle, spawned } from '../support/coracle.ts'
import { busyboxEntries, tarOf as treeOf } from '../support/images.ts'
import { device, file, hardLink, symlink, tarOf } from '../support/tar.ts'

describe('build with URLs', function () {
  this.timeout(60_000)
  let coracle: Coracle
  let server: Server
  const content = new Map<string, Buffer | string>()
  let requests: string[] = []

  before(async () => {
    coracle = openCoracle()
    server = createServer((request, response) => {
      requests.push(`${request.method} ${request.url}`)
      const body = content.get(request.url ?? '')
      if (body === undefined) return response.writeHead(404).end()
      const etag = `"${Buffer.from(body).length}"`
      response.setHeader('etag', etag)
      if (request.url?.startsWith('/modified') === true)
        response.setHeader('last-modified', new Date(1_300_000_000_000).toUTCString())
      if (request.headers['if-none-match'] === etag) return response.writeHead(304).end()
      return response.end(body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterEach(() => {
    requests = []
    assert.deepEqual(existsSync(work()) ? readdirSync(work()) : [], [])
  })
  after(() => {
    server?.close()
    coracle?.close()
  })

  const work = () => join(coracle.directory, 'root/build/work')
  const at = (path: string, body?: Buffer | string): string => {
    if (body !== undefined) content.set(path, body)
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
  }
  const build = (context: string, ...args: string[]): Promise<Outcome> =>
    spawned(coracle, ['build', '--progress', 'plain', ...args, context])
  let outputs = 0
  const files = async (context: string, ...args: string[]): Promise<Readonly<Record<string, string>>> => {
    const path = join(coracle.directory, `out-${outputs++}`)
    const outcome = await build(context, '-o', path, ...args)
    assert.equal(outcome.status, 0, outcome.stderr)
    const names = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const paths = names.map((entry) => join(entry.parentPath, entry.name))
    return Object.fromEntries(paths.map((one) => [one.slice(path.length + 1), readFileSync(one, 'utf8')]))
  }
  const refused = async (context: string, ...args: string[]): Promise<string> => {
    const { status, stderr } = await build(context, ...args)
    assert.equal(status, 1, stderr)
    assert.doesNotMatch(stderr, /internal error|\n {4}at /)
    return stderr
  }
  const local = (text: string) => writeContext(coracle.directory, { Dockerfile: text })
  const compressed = (tar: Buffer, program: string) => execFileSync(program, ['-c'], { input: tar })

  it('takes archives of every compression, with the Dockerfile that -f names', async () => {
    const tar = tarOf([
      file('Dockerfile', 'FROM scratch\nCOPY . /\n'),
      file('sub/other', 'FROM scratch\nCOPY a /b\n'),
      file('.dockerignore', 'a\n'),
      file('a', 'A'),
      file('inner.tar', tarOf([file('in', 'inside')])),
      file('sub/add', 'FROM scratch\nADD inner.tar /\n'),
    ])
    for (const program of ['xz', 'bzip2', 'zstd']) {
      const found = await files(at(`/context.${program}`, compressed(tar, program)), '-f', 'sub/other')
      assert.deepEqual(found, { b: 'A' }, program)
    }
    assert.deepEqual(Object.keys(await files(at('/context', tar))), [
      '.dockerignore',
      'Dockerfile',
      'a',
      'inner.tar',
      'sub/add',
      'sub/other',
    ])
    assert.deepEqual(await files(at('/context'), '-f', 'sub/add'), { in: 'inside' })
    requests = []
    assert.match((await build(at('/context'), '-o', 'type=cacheonly')).stderr, /CACHED/)
    assert.deepEqual(requests, ['GET /context'])
    assert.deepEqual(await files(at('/context'), '-f', at('/named', 'FROM scratch\nCOPY a /c\n')), { c: 'A' })
  })

  it('has the time of the archive, or of its latest file, where that is asked for', async () => {
    const text = 'FROM scratch\nARG SOURCE_DATE_EPOCH\nCOPY <<told /\n$SOURCE_DATE_EPOCH\ntold\n'
    const dated = (name: string, seconds: number) => ({ ...file(name, text), mtimeS: seconds })
    const tar = tarOf([dated('Dockerfile', 1_000_000_000), dated('later', 1_200_000_000)])
    const told = async (context: string) =>
      (await files(context, '--build-arg', 'SOURCE_DATE_EPOCH=context'))['told']?.trim()
    assert.equal(await told(at('/dated.tar', compressed(tar, 'gzip'))), '1200000000')
    assert.equal(await told(at('/modified.tar', tar)), '1300000000')
    assert.equal(await told(at('/modified', text)), '1300000000')
    assert.equal(await told(at('/undated', text)), '')
  })

  it('takes a Dockerfile alone, and no page', async () => {
    const url = at('/Dockerfile', 'FROM scratch\nCOPY context /text\n')
    assert.deepEqual(await files(url), { text: content.get('/Dockerfile') })
    const page = at('/page', '\n<!doctype html><html>')
    assert.match(await refused(page), /\/page is a web page: no Dockerfile and no archive/)
    assert.match(await refused(at('/none')), /invalid response status 404/)
    assert.match(await refused(local('FROM scratch\n'), '-f', page), /is a web page/)
    assert.match(await refused(at('/large', Buffer.alloc(17 << 20, '#'))), /\/large is larger than 16 MiB/)
    assert.match(await refused('https://'), /invalid URL|no address/)
  })

  it('unpacks no archive that leads out of itself, and follows no link in one out', async () => {
    const dockerfile = file('Dockerfile', 'FROM scratch\nCOPY . /\n')
    const hostile = {
      up: [dockerfile, file('../escaped', 'x')],
      link: [dockerfile, symlink('out', coracle.directory), file('out/escaped', 'x')],
      hard: [dockerfile, hardLink('shadow', '../../../../etc/shadow')],
    }
    for (const [name, entries] of Object.entries(hostile)) {
      const { status, stderr } = await build(at(`/${name}.tar`, tarOf(entries)), '-o', 'type=cacheonly')
      assert.notEqual(status, 0, name)
      assert.match(stderr, /Error processing tar file|no such file|escaped|not a directory/i, name)
      assert.doesNotMatch(stderr, /internal error/, name)
    }
    assert.equal(existsSync(join(coracle.directory, 'escaped')), false)
    const linked = [symlink('Dockerfile', '/etc/passwd'), file('.dockerignore', '')]
    assert.match(await refused(at('/linked.tar', tarOf(linked))), /Dockerfile leads out of the build context/)
    const nodes = [dockerfile, device('null', 'c', [1, 3])]
    assert.equal((await build(at('/device.tar', tarOf(nodes)), '-o', 'type=cacheonly')).status, 0)
    const cut = compressed(tarOf([dockerfile, file('a', 'a'.repeat(9999))]), 'xz').subarray(0, 100)
    assert.match(await refused(at('/cut.xz', cut)), /xz|damaged|Error processing/)
  })

  it('builds on named contexts and copies from them, whatever they are', async () => {
    const directory = writeContext(coracle.directory, { a: 'A', secret: 'S', '.dockerignore': 'secret\n' })
    const named = ['--build-context', `dir=${directory}`, '--build-context', `url=${at('/one', 'one file')}`]
    const context = local('FROM dir\nCOPY --from=url context /url\nCOPY --from=dir a /b\n')
    assert.deepEqual(await files(context, ...named), { '.dockerignore': 'secret\n', a: 'A', b: 'A', url: 'one file' })
    assert.match(await refused(context, '--build-context', 'dir=target:x'), /target:x is not supported/)
    assert.match(await refused(context, '--build-context', 'dir=/no/where'), /is no directory/)
    assert.match(await refused(context, ...named.slice(0, 2), '--build-context', `url=${at('/gone')}`), /status 404/)
  })

  it('takes images from OCI layouts, by tag and digest, and only what is what it says', async () => {
    const layout = join(coracle.directory, 'layout')
    mkdirSync(layout)
    const tar = join(coracle.directory, 'layer.tar')
    writeFileSync(tar, treeOf(busyboxEntries()))
    coracle.output('import', '--change', 'ENV WHO=layout', tar, 'fromlayout:v1')
    coracle.output('save', '-o', join(coracle.directory, 'saved.tar'), 'fromlayout:v1')
    execFileSync('tar', ['-xf', join(coracle.directory, 'saved.tar'), '-C', layout])
    coracle.output('rmi', 'fromlayout:v1')
    coracle.output('image', 'prune', '-af', '--filter', 'until=0s')
    const context = local('FROM base\nRUN echo "$WHO" > /who\nFROM scratch\nCOPY --from=0 /who /\n')
    assert.deepEqual(await files(context, '--network', 'none', '--build-context', `base=oci-layout://${layout}:v1`), {
      who: 'layout\n',
    })
    const { manifests } = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as {
      manifests: { digest: string }[]
    }
    const digest = manifests[0]?.digest ?? ''
    await files(context, '--network', 'none', '--build-context', `base=oci-layout://${layout}@${digest}`)
    assert.match(await refused(context, '--build-context', `base=oci-layout://${layout}:v2`), /has no image v2/)
    writeFileSync(join(layout, 'blobs', digest.replace(':', '/')), '{}')
    assert.match(
      await refused(context, '--build-context', `base=oci-layout://${layout}:v1`),
      /another content than sha256/,
    )
  })

  it('downloads with ADD only when it has to', async () => {
    const url = at('/add.txt', 'added')
    const context = local(`FROM scratch\nADD ${url} /d/\n`)
    assert.deepEqual(await files(context), { 'd/add.txt': 'added' })
    assert.match((await build(context, '-o', 'type=cacheonly')).stderr, /CACHED/)
    assert.deepEqual(requests, ['GET /add.txt', 'GET /add.txt'])
    const sum = execFileSync('sha256sum', { input: 'added', encoding: 'utf8' }).slice(0, 64)
    requests = []
    const pinned = local(`FROM scratch\nADD --checksum=sha256:${sum} --chmod=640 ${url} /e\n`)
    assert.deepEqual(await files(pinned), { e: 'added' })
    assert.deepEqual(requests, [])
    assert.match(await refused(local(`FROM scratch\nCOPY ${url} /\n`)), /source can't be a URL for COPY/)
    assert.match(await refused(local(`FROM scratch\nADD --checksum=${sum} ${url} /\n`)), /invalid checksum/)
    const strange = at('/odd%5B1%5D.txt', 'odd')
    assert.deepEqual(await files(local(`FROM scratch\nADD ${strange} /\n`)), { 'odd[1].txt': 'odd' })
  })

  it('takes sources of every kind in one ADD, and the last where two make the same file', async () => {
    const one = at('/one.txt', 'one')
    const other = at('/other.txt', 'other')
    const tar = tarOf([file('one.txt', 'of the archive'), file('packed', 'packed')])
    const text = `FROM scratch\nADD ${one} a.tar near ${other} <<written /d/\nhere\nwritten\n`
    const context = writeContext(coracle.directory, { Dockerfile: text, near: 'near' })
    writeFileSync(join(context, 'a.tar'), tar)
    assert.deepEqual(await files(context), {
      'd/near': 'near',
      'd/one.txt': 'of the archive',
      'd/other.txt': 'other',
      'd/packed': 'packed',
      'd/written': 'here\n',
    })
    const again = async () => (await build(context, '-o', 'type=cacheonly')).stderr
    assert.match(await again(), /CACHED/)
    at('/other.txt', 'changed since')
    assert.doesNotMatch(await again(), /CACHED/)
    writeFileSync(join(context, 'near'), 'not so near')
    assert.doesNotMatch(await again(), /CACHED/)
    writeFileSync(join(context, 'a.tar'), tarOf([file('packed', 'otherwise')]))
    assert.equal((await files(context))['d/packed'], 'otherwise')
    const missing = await refused(local(`FROM scratch\nADD ${one} ${at('/none')} /d/\n`))
    assert.match(missing, /404 of .*none/)
    const sum = `sha256:${'0'.repeat(64)}`
    assert.match(await refused(local(`FROM scratch\nADD --checksum=${sum} ${one} ${other} /d/\n`)), /multiple sources/)
  })

  it('unpacks every archive that a pattern of ADD means, and copies the rest of what it means', async () => {
    const context = writeContext(coracle.directory, {
      Dockerfile: 'FROM scratch\nADD --link p* /d/\n',
      'p-text': 'text',
    })
    for (const name of ['p[1].tar', 'p2.tar']) writeFileSync(join(context, name), tarOf([file(`in-${name}`, name)]))
    assert.deepEqual(await files(context), { 'd/in-p2.tar': 'p2.tar', 'd/in-p[1].tar': 'p[1].tar', 'd/p-text': 'text' })
  })
})

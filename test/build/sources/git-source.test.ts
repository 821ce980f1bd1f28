import assert from 'node:assert/strict'
import {
  chmodSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { NotGranted } from '../../../src/build/errors.ts'
import { type GitRequest, type GitTree, openGitTree } from '../../../src/build/sources/git-source.ts'
import { parseGitSource } from '../../../src/build/sources/git-url.ts'
import { pruneSources } from '../../../src/build/sources/prune.ts'
import { type Database, openDatabase } from '../../../src/state/database.ts'
import { type GitServer, makeRepository, type Repository, serveGit } from '../../support/git-server.ts'
import { scratchDirectory } from '../../support/scratch.ts'

describe('openGitTree', () => {
  let root: string
  let database: Database
  let server: GitServer
  let app: Repository
  const path = process.env['PATH']

  beforeEach(async () => {
    root = await scratchDirectory()
    mkdirSync(join(root, 'build/work'), { recursive: true })
    database = openDatabase(join(root, 'state.db'))
    server = await serveGit(join(root, 'served'))
    app = makeRepository(join(root, 'served/app'))
    symlinkSync('app', join(root, 'served/app.git'))
  })
  afterEach(async () => {
    process.env['PATH'] = path
    await server[Symbol.asyncDispose]()
    assert.deepEqual(readdirSync(join(root, 'build/work')), [])
    database.close()
  })

  const store = () => ({ database, paths: { root, run: join(root, 'run') } })
  const open = async (
    rest: string,
    wishes: Partial<GitRequest> = {},
    remote = `${server.origin}/app.git`,
  ): Promise<GitTree> => {
    await using cleanup = new AsyncDisposableStack()
    const source = parseGitSource(`${remote}${rest}`, { github: false })
    assert.ok(source)
    const grants = { secrets: new Map(), ssh: new Map() }
    const { signal } = new AbortController()
    const flags = { keepGitDirectory: false, commitTimes: false }
    return await openGitTree(store(), { source, grants, cleanup, signal, onStatus: () => {}, ...flags, ...wishes })
  }
  const read = ({ directory }: GitTree, name = 'f') => readFileSync(join(directory, name), 'utf8')
  const fetches = () => server.requests.filter((request) => request.startsWith('POST')).length

  it('fetches a commit once, though two builds want it at the same time', async () => {
    app.commit({ f: 'one' })
    const both = await Promise.all([open('#main'), open('#main')])
    assert.equal(both[0].directory, both[1].directory)
    const before = fetches()
    assert.equal(read(await open('')), 'one')
    app.git('branch', 'same')
    assert.equal((await open('#same')).identity, both[0].identity)
    assert.ok(fetches() - before <= 2, server.requests.join('\n')) // those of ls-remote
  })

  it('takes a whole commit only where it is the one that it has to be', async () => {
    const other = app.commit({ f: 'one' })
    const commit = app.commit({ f: 'two' })
    const source = parseGitSource(`${server.origin}/app.git#${commit}`, { github: false })
    assert.ok(source)
    assert.equal(read(await open('', { source: { ...source, checksum: commit.slice(0, 8) } })), 'two')
    // As `ADD --checksum` asks.
    for (const fetchByCommit of [false, true])
      await assert.rejects(open('', { source: { ...source, checksum: other, fetchByCommit } }), /expected checksum/)
  })

  it('fetches from servers that hand out neither commits nor parts of a history', async () => {
    const old = app.commit({ f: 'old' })
    app.commit({ f: 'new' })
    server.intercept((request) => {
      delete request.headers['git-protocol']
      return false
    })
    assert.equal(read(await open(`#${old}`)), 'old')
    assert.equal(read(await open('')), 'new')
    await pruneSources(store(), () => true)
    // Files alone: the dumb protocol.
    app.git('update-server-info')
    server.intercept((request, response) => {
      const file = join(
        root,
        'served',
        new URL(request.url ?? '', server.origin).pathname.replace('app.git', 'app/.git'),
      )
      if (existsSync(file) && statSync(file).isFile()) createReadStream(file).pipe(response)
      else response.writeHead(404).end()
      return true
    })
    assert.equal(read(await open('#main')), 'new')
    assert.equal(read(await open(`#${old}`)), 'old')
  })

  it('knows repositories whose objects have longer names', async () => {
    const long = makeRepository(join(root, 'served/long.git'))
    long.git('init', '--quiet', '--object-format=sha256', '--initial-branch=main', join(root, 'served/long.git/x.git'))
    const inner = { ...long, path: join(root, 'served/long.git/x.git') }
    writeFileSync(join(inner.path, 'f'), 'long')
    long.git('-C', inner.path, 'add', '--all')
    long.git('-C', inner.path, 'commit', '--quiet', '--message=x')
    const remote = `${server.origin}/long.git/x.git`
    const { commit } = await open('', {}, remote)
    assert.equal(commit.length, 64)
    assert.equal(read(await open(`#${commit}`, { keepGitDirectory: true }, remote)), 'long')
  })

  it('gives all files the time of the commit where it is asked to, and the modes that git knows', async () => {
    app.commit({ 'd/f': 'x' })
    symlinkSync('nowhere', join(app.path, 'l'))
    writeFileSync(Buffer.concat([Buffer.from(`${app.path}/`), Buffer.from([0xff, 0xfe])]), 'bytes')
    chmodSync(join(app.path, 'd/f'), 0o775)
    app.commit({})
    const mask = process.umask(0o077)
    try {
      const { directory } = await open('', { commitTimes: true })
      const times = ['', 'd', 'd/f'].map((name) => statSync(join(directory, name)).mtimeMs)
      assert.deepEqual(new Set(times), new Set([Date.parse('2020-02-02T02:02:02Z')]))
      assert.deepEqual(
        [statSync(join(directory, 'd')).mode & 0o777, statSync(join(directory, 'd/f')).mode & 0o777],
        [0o755, 0o755],
      )
    } finally {
      process.umask(mask)
    }
  })

  it('uses the agent that was lent, and no key of the user', async () => {
    app.commit({ f: 'by ssh' })
    const bin = join(root, 'bin')
    mkdirSync(bin)
    const log = join(root, 'log')
    const script = `#!/bin/sh\nprintf '%s\\n' "$@" "agent=$SSH_AUTH_SOCK" >> ${log}\nfor last; do :; done\ncd ${join(root, 'served')} && exec sh -c "$last"\n`
    writeFileSync(join(bin, 'ssh'), script, { mode: 0o755 })
    process.env['PATH'] = `${bin}:${path}`
    await assert.rejects(open('', {}, 'git@example.com:app.git'), NotGranted)
    const grants = { secrets: new Map(), ssh: new Map([['default', '/lent/agent']]) }
    assert.equal(read(await open('', { grants }, 'git@example.com:app.git')), 'by ssh')
    const words = readFileSync(log, 'utf8')
    assert.match(words, /^agent=\/lent\/agent$/m)
    for (const word of ['/dev/null', 'BatchMode=yes', 'IdentityFile=/dev/null', 'StrictHostKeyChecking=accept-new'])
      assert.ok(words.split('\n').includes(word), word)
    assert.match(words, /^UserKnownHostsFile="\/.*\/home\/known_hosts"$/m)
    assert.match(words, /^git@example\.com\ngit-upload-pack 'app\.git'$/m)
  })

  it('logs in as the address says, at its host alone, and leaves nothing of that anywhere', async () => {
    const library = makeRepository(join(root, 'served/library'))
    symlinkSync('library', join(root, 'served/library.git'))
    library.commit({ part: 'of another' })
    app.git('submodule', 'add', '--quiet', '../library', 'sub')
    app.git('config', '-f', '.gitmodules', 'submodule.sub.url', '../library.git')
    app.commit({ f: 'one' })
    const login = `Basic ${Buffer.from('me:s3cret@1').toString('base64')}`
    server.intercept(({ headers }, response) => {
      if (headers.authorization === login) return false
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      return true
    })
    const told: string[] = []
    const wishes = { keepGitDirectory: true, onStatus: (text: string) => told.push(text) }
    const tree = await open('', wishes, `${server.origin.replace('//', '//me:s3cret%401@')}/app.git`)
    assert.equal(read(tree, 'sub/part'), 'of another')
    const texts = readdirSync(tree.directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    const rows = database.prepare('SELECT * FROM build_sources').all()
    for (const text of [...texts, ...told, JSON.stringify(rows)]) assert.doesNotMatch(text, /s3cret/)
    await assert.rejects(open('#other', {}, `${server.origin.replace('//', '//s3cret@')}/app.git`), (error: Error) => {
      return !error.message.includes('s3cret')
    })
  })

  it('leaves nothing of a fetch that is given up, and removes what was left half made', async () => {
    app.commit({ f: 'x' })
    const abort = new AbortController()
    server.intercept((request) => {
      const isFetch = request.url?.includes('git-upload-pack') === true && server.requests.length > 2
      if (isFetch) abort.abort(new Error('enough'))
      return isFetch // and no answer
    })
    await assert.rejects(open('', { signal: abort.signal }), /enough/)
    server.intercept(() => false)
    const tree = await open('')
    const key = tree.directory.split('/').at(-2) ?? ''
    database.prepare('DELETE FROM build_sources').run()
    writeFileSync(join(root, 'build/sources', key, 'tree/left'), 'by a build that was killed')
    assert.deepEqual(readdirSync((await open('')).directory), ['f'])
    mkdirSync(join(root, 'build/sources/orphan'))
    await pruneSources(store(), () => true)
    assert.deepEqual(readdirSync(join(root, 'build/sources')), [])
  })
})

/** Build contexts and ADD of git repositories, from a real server. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'mocha'
import { type ContextFiles, writeContext } from '../support/build-context.ts'
import { type Coracle, type Outcome, openCoracle, spawned } from '../support/coracle.ts'
import { type GitServer, makeRepository, type Repository, serveGit } from '../support/git-server.ts'
import { keptDirectory } from '../support/scratch.ts'

describe('build with git repositories', function () {
  this.timeout(60_000)
  let coracle: Coracle
  let server: GitServer
  let app: Repository
  let library: Repository
  let first: string
  let second: string

  before(async () => {
    coracle = openCoracle()
    const root = await keptDirectory()
    server = await serveGit(root)
    library = makeRepository(join(root, 'library'))
    library.commit({ 'lib.txt': 'library' })
    app = makeRepository(join(root, 'app'))
    first = app.commit({
      Dockerfile: 'FROM scratch\nCOPY . /\n',
      'a.txt': 'one',
      'docker/Dockerfile.other': 'FROM scratch\nCOPY a.txt /other\n',
      'part/Dockerfile': 'FROM scratch\nCOPY . /part/\n',
      'part/b.txt': 'b',
    })
    app.git('tag', 'v1', '-m', 'annotated')
    second = app.commit({ 'a.txt': 'two' })
    app.git('branch', 'side/branch', first)
    for (const name of ['app', 'library']) symlinkSync(join(root, name), join(root, `${name}.git`))
  })
  afterEach(() => {
    assert.deepEqual(work(), [])
    server?.intercept(() => false)
  })
  after(async () => {
    coracle?.close()
    await server?.[Symbol.asyncDispose]()
  })

  const work = () => {
    const path = join(coracle.directory, 'root/build/work')
    return existsSync(path) ? readdirSync(path) : []
  }
  const url = (rest = '', name = 'app') => `${server.origin}/${name}.git${rest}`
  const build = (context: string, ...args: string[]): Promise<Outcome> =>
    spawned(coracle, ['build', '--progress', 'plain', ...args, context])
  /** The files that come out of it. */
  let outputs = 0
  const files = async (context: string, ...args: string[]): Promise<readonly string[]> => {
    const path = join(coracle.directory, `out-${outputs++}`)
    const outcome = await build(context, '-o', path, ...args)
    assert.equal(outcome.status, 0, outcome.stderr)
    return (readdirSync(path, { recursive: true }) as string[]).toSorted()
  }
  const refused = async (context: string, ...args: string[]): Promise<string> => {
    const { status, stderr } = await build(context, ...args)
    assert.equal(status, 1, stderr)
    assert.doesNotMatch(stderr, /internal error|\n {4}at /)
    return stderr
  }
  const dockerfile = (text: string): ContextFiles => ({ Dockerfile: text })
  const local = (text: string) => writeContext(coracle.directory, dockerfile(text))
  const ALL = ['Dockerfile', 'a.txt', 'docker', 'docker/Dockerfile.other', 'part', 'part/Dockerfile', 'part/b.txt']

  it('takes the default branch, a branch, a tag, a commit and a part of them', async () => {
    assert.deepEqual(await files(url()), ALL)
    for (const rest of ['#side/branch', '#v1', `#${first}`, `?ref=main&checksum=${second.slice(0, 9)}`])
      assert.deepEqual(await files(url(rest)), ALL, rest)
    assert.deepEqual(await files(url('?branch=main&subdir=part')), ['part', 'part/Dockerfile', 'part/b.txt'])
    assert.deepEqual(await files(url('#:docker/..')), ALL)
    assert.deepEqual(await files(url(), '-f', 'docker/Dockerfile.other'), ['other'])
  })

  it('tells in the provenance which commits the image is of', async () => {
    const metadata = join(coracle.directory, 'metadata.json')
    const text = 'FROM scratch\nADD LIBRARY /lib\n'.replace('LIBRARY', url('', 'library'))
    writeFileSync(join(coracle.directory, 'adding'), text)
    const named = ['--metadata-file', metadata, '-f', join(coracle.directory, 'adding')]
    const { status, stderr } = await build(url('#v1'), ...named)
    assert.equal(status, 0, stderr)
    const told = JSON.parse(readFileSync(metadata, 'utf8')) as {
      'buildx.build.provenance': {
        buildDefinition: { externalParameters: { configSource: object }; resolvedDependencies: { uri: string }[] }
      }
    }
    const { externalParameters, resolvedDependencies } = told['buildx.build.provenance'].buildDefinition
    const source = { uri: url('#v1'), digest: { sha1: first } }
    assert.deepEqual(externalParameters.configSource, { ...source, path: 'adding' })
    assert.deepEqual(
      resolvedDependencies.map(({ uri }) => uri),
      [url('#v1'), url('', 'library')],
    )
  })

  it('asks once what a branch is, and fetches only what is new', async () => {
    await files(url('#main'))
    server.requests.length = 0
    const again = await build(url('#main'), '-o', 'type=cacheonly')
    assert.match(again.stderr, /CACHED/)
    const asked = server.requests.filter((request) => request.startsWith('GET'))
    assert.deepEqual(asked, ['GET /app.git/info/refs?service=git-upload-pack'])
    assert.ok(server.requests.length <= 2, server.requests.join('\n'))
    server.requests.length = 0
    await files(url(`#${second}`))
    assert.deepEqual(server.requests, [])
    app.commit({ 'a.txt': 'three' })
    const changed = await build(url('#main'), '-t', 'changed')
    assert.doesNotMatch(changed.stderr, /CACHED/)
  })

  describe('with SOURCE_DATE_EPOCH', () => {
    const created = async (context: string, ...args: string[]): Promise<number> => {
      const { status, stdout, stderr } = await spawned(coracle, ['build', '-q', ...args, context])
      assert.equal(status, 0, stderr)
      return Date.parse(coracle.output('image', 'inspect', '-f', '{{.Created}}', stdout.trim())) / 1000
    }
    const timeOf = (commit: string) => Number(app.git('show', '--no-patch', '--format=%ct', commit))
    const OF_CONTEXT = ['--build-arg', 'SOURCE_DATE_EPOCH=context']

    it('of the context has the time of the commit, also of a part of it', async () => {
      app.git('commit', '--quiet', '--allow-empty', '--date=@1500000000', '-m', 'authored before')
      for (const rest of ['#v1', '#main', '#main:part']) {
        const commit = rest === '#v1' ? first : app.git('rev-parse', 'HEAD')
        assert.equal(await created(url(rest), ...OF_CONTEXT), timeOf(commit), rest)
      }
      const text = 'FROM scratch\nARG SOURCE_DATE_EPOCH\nCOPY <<file /\n$SOURCE_DATE_EPOCH\nfile\n'
      const told = join(coracle.directory, 'told')
      const dockerfile = join(local(text), 'Dockerfile')
      assert.equal((await build(url('#v1'), '-f', dockerfile, ...OF_CONTEXT, '-o', told)).status, 0)
      assert.equal(readFileSync(join(told, 'file'), 'utf8'), `${timeOf(first)}\n`)
      assert.equal(statSync(join(told, 'file')).mtimeMs / 1000, timeOf(first))
    })

    it('in the Dockerfile counts where nobody says otherwise, and is nothing for a directory of this host', async () => {
      const text = (value: string) => `ARG SOURCE_DATE_EPOCH=${value}\nFROM scratch\nCOPY Dockerfile /\n`
      assert.equal(await created(local(text('1000000000'))), 1_000_000_000)
      assert.equal(await created(local(text('1000000000')), '--build-arg', 'SOURCE_DATE_EPOCH=2'), 2)
      const began = Math.floor(Date.now() / 1000)
      for (const args of [[], OF_CONTEXT])
        assert.ok((await created(local(text('context')), '--no-cache', ...args)) >= began)
      const outcome = await build(local(text('soon')))
      assert.match(outcome.stderr, /invalid SOURCE_DATE_EPOCH "soon"/)
    })
  })

  it('takes no more than it is allowed to', async () => {
    const root = join(app.path, '../large')
    const large = makeRepository(root)
    large.commit({ Dockerfile: 'FROM scratch\nCOPY . /\n', zeros: '0'.repeat(300_000) })
    symlinkSync(root, `${root}.git`)
    const env = { CORACLE_BUILD_SOURCE_LIMIT: '200k' }
    const { status, stderr } = await spawned(coracle, ['build', '-q', url('', 'large')], env)
    assert.equal(status, 1)
    assert.match(stderr, /git snapshot for .*large\.git#.* is larger than 200KiB\n.*CORACLE_BUILD_SOURCE_LIMIT=SIZE/)
    assert.equal((await build(url('', 'large'))).status, 0)
  })

  it('keeps the repository where it is asked to, and no trace of it elsewhere', async () => {
    assert.ok((await files(url('?keep-git-dir=1'))).includes('.git/HEAD'))
    const out = join(coracle.directory, 'kept')
    const context = local(`FROM scratch\nADD --keep-git-dir ${url('#v1')} /app\n`)
    assert.equal((await build(context, '-o', out)).status, 0)
    const git = (...words: string[]) => app.git('-c', 'safe.directory=*', '-C', join(out, 'app'), ...words)
    assert.equal(git('rev-parse', 'HEAD'), first)
    assert.equal(git('status', '--porcelain'), '')
    assert.equal(git('remote', 'get-url', 'origin'), url())
    assert.equal(git('cat-file', '-t', 'v1'), 'tag')
  })

  it('adds repositories, and knows an unchanged one again by its commit', async () => {
    const context = local(
      `FROM scratch\nADD --chown=7:7 --exclude=docker ${url('#v1:part')} /app/\nADD ${url('', 'library')} /\n`,
    )
    assert.deepEqual(await files(context), ['app', 'app/Dockerfile', 'app/b.txt', 'lib.txt'])
    library.git('tag', 'same')
    const moved = local(
      `FROM scratch\nADD --chown=7:7 --exclude=docker ${url(`#${first}:part`)} /app/\nADD ${url('#same', 'library')} /\n`,
    )
    assert.equal((await build(moved, '-o', 'type=cacheonly')).stderr.match(/CACHED/g)?.length, 2)
    const pinned = (checksum: string) => local(`FROM scratch\nADD --checksum=${checksum} ${url('#side/branch')} /\n`)
    assert.deepEqual(await files(pinned(first.slice(0, 12))), ALL)
    assert.match(await refused(pinned(second)), new RegExp(`expected checksum to match ${second}, got ${first}`))
  })

  it('takes named contexts from repositories, to copy from and to build on', async () => {
    const context = local('FROM app AS files\nFROM scratch\nCOPY --from=lib lib.txt /\nCOPY --from=files /a.txt /\n')
    const named = ['--build-context', `app=${url('#v1')}`, '--build-context', `lib=${url('', 'library')}`]
    assert.deepEqual(await files(context, ...named), ['a.txt', 'lib.txt'])
  })

  it('brings submodules, from addresses of the same kind alone', async () => {
    const whole = makeRepository(join(library.path, '../whole'))
    symlinkSync(whole.path, `${whole.path}.git`)
    whole.git('submodule', 'add', '--quiet', '../library.git', 'sub')
    whole.git('config', '-f', '.gitmodules', 'submodule.sub.url', '../library.git')
    whole.commit({ Dockerfile: 'FROM scratch\nCOPY sub /\n' })
    assert.deepEqual(await files(url('', 'whole')), ['lib.txt'])
    assert.deepEqual(await files(url('?submodules=false', 'whole')), [])
    for (const address of [library.path, `file://${library.path}`, 'ext::sh -c touch% /tmp/out', '-u./x']) {
      whole.git('config', '-f', '.gitmodules', 'submodule.sub.url', address)
      whole.commit({})
      assert.match(await refused(url('', 'whole')), /git submodule ended with \d+: /, address)
    }
  })

  it('runs nothing of a repository, and of the user\u2019s configuration', async () => {
    const marker = join(coracle.directory, 'marker')
    const evil = makeRepository(join(library.path, '../evil'))
    symlinkSync(evil.path, `${evil.path}.git`)
    evil.commit({
      Dockerfile: 'FROM scratch\nCOPY . /\n',
      '.gitattributes': '* filter=evil\n',
      '.gitconfig': `[filter "evil"]\n\tsmudge = touch ${marker}\n`,
      'f.txt': 'f',
    })
    const home = join(coracle.directory, 'home')
    mkdirSync(join(home, '.config/git'), { recursive: true })
    const configuration = `[filter "evil"]\n\tsmudge = touch ${marker}; cat\n\trequired = true\n[core]\n\thooksPath = ${home}\n`
    writeFileSync(join(home, '.gitconfig'), configuration)
    writeFileSync(join(home, '.config/git/config'), configuration)
    writeFileSync(join(home, 'post-checkout'), `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 })
    const outcome = await spawned(coracle, ['build', '-o', 'type=cacheonly', '--progress', 'plain', url('', 'evil')], {
      HOME: home,
      GIT_DIR: home,
      GIT_SSH_COMMAND: `touch ${marker}`,
    })
    assert.equal(outcome.status, 0, outcome.stderr)
    assert.equal(existsSync(marker), false)
  })

  it('lets no link of a repository lead out of it', async () => {
    const linked = makeRepository(join(library.path, '../linked'))
    symlinkSync(linked.path, `${linked.path}.git`)
    symlinkSync('/etc', join(linked.path, 'etc'))
    symlinkSync('/etc/passwd', join(linked.path, 'Dockerfile'))
    linked.commit({ 'Dockerfile.copy': 'FROM scratch\nCOPY etc/passwd /\n', 'Dockerfile.dockerignore': '' })
    assert.match(await refused(url('', 'linked')), /Dockerfile leads out of the build context/)
    assert.match(await refused(url('#:etc', 'linked')), /invalid subdir etc: there is a link on its way/)
    assert.match(await refused(url('', 'linked'), '-f', 'Dockerfile.copy'), /"\/etc\/passwd": not found/)
    assert.match(await refused(url('', 'linked'), '-f', '../../../etc/passwd'), /leads out|no such file/)
  })

  it('says in a line what is wrong, and leaves nothing', async () => {
    assert.match(await refused(url('#missing')), /repository does not contain ref missing/)
    assert.match(await refused(url(`#${'1'.repeat(40)}`)), /has no commit 1{40}|not our ref/)
    assert.match(await refused(url('#main:missing')), /invalid subdir missing: it is no directory/)
    assert.match(await refused(url('#main:a.txt')), /invalid subdir a.txt/)
    assert.match(await refused(url('#--upload-pack=x')), /invalid git ref "--upload-pack=x"/)
    assert.match(await refused(url('', 'none')), /git ls-remote ended with 128: .*not found/)
    assert.match(await refused('git@127.0.0.1:app.git'), /no SSH key "default" forwarded from the client/)
    assert.match(await refused('file:///etc'), /is no address that can be built from/)
    server.intercept((_, response) => {
      response.setHeader('content-type', 'text/html')
      response.end('<!doctype html><title>Log in</title>')
      return true
    })
    assert.match(await refused(url()), /could not find default branch for repository/)
    server.intercept((_, response) => {
      response.writeHead(302, { location: 'file:///etc/passwd' }).end()
      return true
    })
    assert.match(await refused(url()), /git ls-remote ended with 128: /)
  })

  it('logs in with the secrets that BuildKit knows, and asks nobody', async () => {
    server.intercept((request, response) => {
      const isKnown =
        request.headers.authorization === `basic ${Buffer.from('x-access-token:s3cret').toString('base64')}`
      if (!isKnown) response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      return !isKnown
    })
    const secret = ['--secret', 'id=GIT_AUTH_TOKEN,env=TOKEN']
    const outcome = await spawned(coracle, ['build', '-o', 'type=cacheonly', url('#side/branch')])
    assert.match(outcome.stderr, /terminal prompts disabled|Authentication failed|could not read Username/)
    const words = ['build', '--progress', 'plain', '-o', 'type=cacheonly', ...secret, url('#side/branch')]
    const allowed = await spawned(coracle, words, { TOKEN: 's3cret' })
    assert.equal(allowed.status, 0, allowed.stderr)
    assert.doesNotMatch(allowed.stderr, /s3cret/)
  })

  it('counts what it keeps, and prunes it', async () => {
    await files(url())
    assert.match(coracle.output('system', 'df', '-v'), /source\.git\.checkout/)
    coracle.output('builder', 'prune', '-af')
    assert.deepEqual(readdirSync(join(coracle.directory, 'root/build/sources')), [])
    assert.deepEqual(await files(url()), ALL)
  })
})

import assert from 'node:assert/strict'
import { chownSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'mocha'
import { type ContextFiles, writeContext } from '../support/build-context.ts'
import { type Coracle, IMAGE, openCoracle, spawned } from '../support/coracle.ts'
import { makeRepository, serveGit } from '../support/git-server.ts'
import { needsRoot } from '../support/needs-root.ts'
import { makeUser, removeUser } from '../support/ordinary-user.ts'
import { keptDirectory } from '../support/scratch.ts'
import { file, tarOf } from '../support/tar.ts'

const USER = 'coracle-e2e-build'

describe('build by an ordinary user', function () {
  this.timeout(120_000)
  let coracle: Coracle
  let uid = 0

  before(function () {
    needsRoot(this) // to make the ordinary user
    const user = makeUser(this, USER)
    if (!readFileSync('/etc/subuid', 'utf8').includes(`${USER}:`)) {
      console.log('skipped: this host grants no subordinate ids')
      this.skip()
    }
    uid = user.uid
    coracle = openCoracle(user)
  })
  afterEach(() => assert.deepEqual(coracle.leftovers(), []))
  after(() => {
    coracle?.close()
    removeUser(USER)
  })

  const build = (files: ContextFiles, ...args: string[]) => {
    const context = writeContext(coracle.directory, files)
    chownSync(context, uid, uid)
    const outcome = coracle.run(['build', '--progress', 'plain', '--network', 'none', ...args, context])
    assert.equal(outcome.status, 0, outcome.stderr)
    return outcome.stderr
  }
  const run = (...args: string[]) => coracle.output('run', '--rm', '--network', 'none', ...args)

  it('runs commands and copies files as several users, and finds them in the cache again', () => {
    const Dockerfile = [
      `FROM ${IMAGE} AS made`,
      'RUN mkdir /m && echo 1 > /m/f && chown -R 33:34 /m && chmod 700 /m',
      `FROM ${IMAGE}`,
      'COPY --chown=5:6 a /a',
      'COPY --from=made /m /m',
      'USER 1000:1000',
      'WORKDIR /home/x',
      'RUN --mount=type=cache,target=/c,uid=1000 touch mine /c/mine',
      'COPY a /m/',
    ].join('\n')
    build({ Dockerfile, a: 'a' }, '-t', 'mixed')
    const names = ['/a', '/m', '/m/f', '/home/x', '/home/x/mine', '/m/a']
    const owners = run('-u', '0', 'mixed', 'stat', '-c', '%n %u:%g %a', ...names)
    assert.equal(
      owners,
      [
        '/a 5:6 644',
        '/m 0:0 755', // what a directory holds is copied, not the directory
        '/m/f 33:34 644',
        '/home/x 1000:1000 755',
        '/home/x/mine 1000:1000 644',
        '/m/a 0:0 644',
      ].join('\n'),
    )
    assert.equal(build({ Dockerfile, a: 'a' }).match(/CACHED/g)?.length, 6)
    coracle.output('builder', 'prune', '-af')
  })

  it('names the file of the context that it may not read, and reads none that it need not', () => {
    const files = {
      Dockerfile: `FROM ${IMAGE}\nCOPY . /x\n`,
      part: `FROM ${IMAGE}\nCOPY open /x\n`,
      open: 'open',
      'locked/secret': 'secret',
      'shut/in': 'in',
    }
    // Root has written the files, so that those with a mode are root's alone.
    const made = (modes: Readonly<Record<string, number>>, more: ContextFiles = {}) => {
      const context = writeContext(coracle.directory, { ...files, ...more }, modes)
      chownSync(context, uid, uid)
      return context
    }
    const tried = (context: string, ...args: string[]) => coracle.run(['build', '--network', 'none', ...args, context])
    const file = { 'locked/secret': 0o600 }
    const directory = { shut: 0o700 }
    for (const [modes, path] of [
      [file, 'locked/secret'],
      [directory, 'shut'],
    ] as const) {
      const { status, stderr } = tried(made(modes))
      assert.equal(status, 1, stderr)
      assert.match(
        stderr,
        new RegExp(`^coracle: .*${path}.*[Pp]ermission denied|^coracle: .*[Pp]ermission denied.*${path}`, 'm'),
      )
      assert.doesNotMatch(stderr, /internal error|\n {4}at /)
    }
    const both = { ...file, ...directory }
    assert.equal(tried(made(both), '-f', 'part').status, 1) // it stands in the context, and not where the command is run
    const context = made(both)
    assert.equal(tried(context, '-f', join(context, 'part')).status, 0)
    const ignoring = tried(made(both, { '.dockerignore': 'locked\nshut\n' }))
    assert.equal(ignoring.status, 0, ignoring.stderr)
    assert.match(tried(made({ Dockerfile: 0o600 })).stderr, /^coracle: .*Dockerfile.*permission denied/im)
    coracle.output('builder', 'prune', '-af')
  })

  it('shows a secret to the user of the command', () => {
    const Dockerfile = `FROM ${IMAGE}\nUSER 1000\nRUN --mount=type=secret,id=s,uid=1000,env=S test "$S" = x\n`
    const context = writeContext(coracle.directory, { Dockerfile })
    chownSync(context, uid, uid)
    const outcome = coracle.run(['build', '--network', 'none', '--secret', 'id=s,env=SECRET', context], {
      env: { SECRET: 'x' },
    })
    assert.equal(outcome.status, 0, outcome.stderr)
  })

  it('has what is inside listed by a program of any user', () => {
    const Dockerfile = `FROM ${IMAGE}\nCOPY --chmod=755 scan /\nUSER 1000\nENTRYPOINT ["/scan"]\n`
    const print = `printf '{"found":"%s"}' "$(cat $BUILDKIT_SCAN_SOURCE/kept)"`
    build({ Dockerfile, scan: `#!/bin/sh\n${print} > $BUILDKIT_SCAN_DESTINATION/sbom.spdx.json\n` }, '-t', 'scanner')
    build({ Dockerfile: `FROM ${IMAGE}\nRUN echo here > /kept\n` }, '-t', 'listed', '--sbom=generator=scanner')
    const { stdout } = coracle.run(['save', 'listed'])
    assert.match(stdout, /"predicate":\{"found":"here"\}/)
  })

  it('fetches repositories and archives, whoever their files belong to', async () => {
    const root = await keptDirectory()
    const app = makeRepository(join(root, 'app'))
    symlinkSync('app', join(root, 'app.git'))
    const tar = tarOf([
      file('Dockerfile', `FROM ${IMAGE}\nCOPY . /x\n`),
      file('owned', 'o', { uid: 33, gid: 34, mode: 0o600 }),
    ])
    await using server = await serveGit(root)
    server.intercept((request, response) => {
      const isTar = request.url === '/context.tar'
      if (isTar) response.end(tar)
      return isTar
    })
    app.commit({ Dockerfile: `FROM ${IMAGE}\nCOPY f /f\nADD ${server.origin}/app.git /app\n`, f: 'f' })
    for (const [name, context] of [
      ['git', 'app.git'],
      ['archive', 'context.tar'],
    ] as const) {
      const words = ['build', '--network', 'none', '-t', name, `${server.origin}/${context}`]
      const { status, stderr } = await spawned(coracle, words)
      assert.equal(status, 0, stderr)
    }
    assert.equal(run('git', 'stat', '-c', '%n %u:%g %a', '/f', '/app/f'), '/f 0:0 644\n/app/f 0:0 644')
    assert.equal(run('archive', 'stat', '-c', '%n %u:%g %a', '/x/owned'), '/x/owned 33:34 600')
    const { status, stderr } = coracle.run(['build', '-t', 'input', '-'], { input: tar })
    assert.equal(status, 0, stderr)
    assert.equal(run('input', 'stat', '-c', '%n %u:%g %a', '/x/owned'), '/x/owned 0:0 600')
    coracle.output('builder', 'prune', '-af')
    assert.deepEqual(readdirSync(join(coracle.directory, 'root/build/sources')), [])
  })
})

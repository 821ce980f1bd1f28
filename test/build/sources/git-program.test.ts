import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { SourceFailed } from '../../../src/build/errors.ts'
import { runGit } from '../../../src/build/sources/git-program.ts'
import { scratchDirectory } from '../../support/scratch.ts'

describe('runGit', () => {
  let home: string
  const path = process.env['PATH']
  beforeEach(async () => {
    home = await scratchDirectory()
  })
  afterEach(() => {
    process.env['PATH'] = path
  })
  const { signal } = new AbortController()

  it('ends git and its helpers when a server says nothing any more, or the user has enough', async () => {
    const sockets: Socket[] = []
    const server = createServer((socket) => void sockets.push(socket.on('error', () => {}).resume()))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = (scheme: string) => `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/a.git`
    const ended = () =>
      Promise.all(
        sockets.splice(0).map((socket) => socket.closed || new Promise((resolve) => socket.once('close', resolve))),
      )
    try {
      for (const scheme of ['http', 'git']) {
        const options = { home, signal, stallMs: 500 }
        await assert.rejects(runGit(['ls-remote', '--', url(scheme)], options), /git ls-remote: nothing has come for/)
        await ended()
      }
      const abort = new AbortController()
      server.once('connection', () => abort.abort(new Error('enough')))
      await assert.rejects(runGit(['ls-remote', '--', url('http')], { home, signal: abort.signal }), /enough/)
      await ended()
    } finally {
      server.close()
    }
  })

  it('ends git when the process that started it is killed', async () => {
    const connected = Promise.withResolvers<Socket>()
    const server = createServer((socket) => connected.resolve(socket.on('error', () => {}).resume()))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `git://127.0.0.1:${(server.address() as AddressInfo).port}/a`
    const program = new URL('../../../src/build/sources/git-program.ts', import.meta.url)
    const code = `import { runGit } from ${JSON.stringify(program.href)}
      await runGit(['ls-remote', ${JSON.stringify(url)}], { home: ${JSON.stringify(home)}, signal: new AbortController().signal })`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: 'inherit' })
    try {
      const socket = await connected.promise
      child.kill('SIGKILL')
      await new Promise((resolve) => socket.once('close', resolve))
    } finally {
      server.close()
    }
  })

  it('says that git is missing', async () => {
    process.env['PATH'] = home
    const error = await runGit(['version'], { home, signal }).catch((reason: unknown) => reason)
    assert.ok(error instanceof SourceFailed)
    assert.equal(error.message, 'git is not installed')
    assert.match(error.hint ?? '', /apt-get install git/)
  })

  it('reads no configuration but its own, and lets none of the caller\u2019s repository in', async () => {
    process.env['GIT_DIR'] = '/nowhere'
    process.env['GIT_CONFIG_PARAMETERS'] = "'core.pager=evil'"
    try {
      const text = await runGit(['config', '--list', '--show-origin'], { home, signal })
      assert.doesNotMatch(text, /evil|file:/)
      assert.match(text, /core\.hookspath=\/dev\/null/)
    } finally {
      delete process.env['GIT_DIR']
      delete process.env['GIT_CONFIG_PARAMETERS']
    }
  })

  it('speaks no other protocol, and reaches no file of the host', async () => {
    for (const address of ['file:///etc', '/etc', 'ext::sh -c "exit 7"', 'ftp://127.0.0.1/a.git', 'foo::bar'])
      await assert.rejects(runGit(['ls-remote', '--', address], { home, signal }), /not allowed/, address)
  })

  it('shows no password in what git complains of', async () => {
    const options = { home, signal, authorization: { scope: 'http://127.0.0.1:9/', value: 'Basic s3cret' } }
    const error = (await runGit(['ls-remote', '--', 'http://me:s3cret@127.0.0.1:9/a.git'], options).catch(
      (reason: unknown) => reason,
    )) as Error
    assert.match(error.message, /^git ls-remote ended with 128: fatal: unable to access/)
    assert.doesNotMatch(error.message, /s3cret/)
  })
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { openDatabase } from '../../src/state/database.ts'
import { type ContextFiles, writeContext } from '../support/build-context.ts'
import { type Builder, useBuilder } from '../support/built.ts'
import { type Coracle, IMAGE, openCoracle, spawned } from '../support/coracle.ts'
import { tarOf } from '../support/images.ts'

describe('build', function () {
  this.timeout(60_000)
  let coracle: Coracle
  let builder: Builder
  useBuilder((opened) => {
    ;({ coracle, builder } = opened)
  })

  const build: Builder['build'] = (...args) => builder.build(...args)
  const built: Builder['built'] = (...args) => builder.built(...args)
  const refused: Builder['refused'] = (...args) => builder.refused(...args)
  const run: Builder['run'] = (...args) => builder.run(...args)

  it('tells its id and what it has made in files, links and devices, and leaves no id of an earlier one', () => {
    const context = writeContext(coracle.directory, { Dockerfile: `FROM ${IMAGE}\nLABEL a=b\n` })
    const [iid, metadata, device] = ['iid', 'metadata', 'null'].map((name) => join(coracle.directory, name)) as [
      string,
      string,
      string,
    ]
    assert.equal(spawnSync('mknod', [device, 'c', '1', '3']).status, 0)
    const words = ['build', '-q', '--iidfile', iid, '--metadata-file']
    writeFileSync(metadata, '')
    symlinkSync(metadata, `${metadata}-link`)
    const first = coracle.run([...words, `${metadata}-link`, context])
    assert.equal(first.status, 0, first.stderr)
    assert.match(readFileSync(metadata, 'utf8'), /"containerimage.digest"/)
    assert.equal(readFileSync(iid, 'utf8'), first.stdout.trim())
    rmSync(metadata)
    const failed = coracle.run([...words, metadata, '--target', 'none', context])
    assert.deepEqual([failed.status, existsSync(iid), existsSync(metadata)], [1, false, false])
    const files = coracle.run([...words, metadata, '-o', join(coracle.directory, 'files'), context])
    assert.deepEqual([files.status, existsSync(iid), readFileSync(metadata, 'utf8')], [0, false, '{}\n'])
    assert.equal(coracle.run(['build', '-q', '--iidfile', device, '--metadata-file', device, context]).status, 0)
    assert(statSync(device).isCharacterDevice())
    rmSync(device)
  })

  it('takes flags without a value, as scripts have them whose variables are empty, for flags that are not given', () => {
    const empty = ['--iidfile=', '--metadata-file=', '--output=', '--target=', '--platform=', '--network=', '--file=']
    assert.match(built({ Dockerfile: `FROM ${IMAGE}\n` }, ...empty), /writing image/)
  })

  it('takes the file dockerfile where there is no Dockerfile', () => {
    assert.match(built({ dockerfile: `FROM ${IMAGE}\nLABEL of=small\n` }, '-t', 'small'), /writing image/)
    built({ dockerfile: 'none', Dockerfile: `FROM ${IMAGE}\nLABEL of=large\n` }, '-t', 'large')
    const of = (name: string) => coracle.output('image', 'inspect', '-f', '{{.Config.Labels.of}}', name)
    assert.deepEqual([of('small'), of('large')], ['small', 'large'])
  })

  it('refuses in a line outputs that cannot be written, and a push of what has no name', () => {
    const files = { Dockerfile: `FROM ${IMAGE}\n` }
    const said = (...args: string[]) =>
      refused(files, ...args)
        .split('\ncoracle: ')
        .at(-1)
        ?.replace(/^coracle: /, '')
        .split('\n')[0]
    const present = join(coracle.directory, 'present')
    mkdirSync(present)
    writeFileSync(join(present, 'file'), '')
    assert.match(said('-o', `${present}/file`) ?? '', /a file is in the way$/)
    assert.match(said('-o', 'type=local,dest=-') ?? '', /cannot be standard output$/)
    assert.match(said('--iidfile', `${present}/none/iid`) ?? '', /there is no such directory$/)
    assert.equal(said('--push'), 'tag is needed when pushing to registry')
    assert.deepEqual(readdirSync(present), ['file'])
  })

  it('makes an image that runs, and a second time does nothing again', () => {
    const files = {
      Dockerfile: `FROM ${IMAGE}\nWORKDIR /app\nENV WHO=world\nRUN echo "hello $WHO" > greeting\nCOPY a.txt .\nCMD cat greeting a.txt\n`,
      'a.txt': 'copied\n',
    }
    const context = writeContext(coracle.directory, files)
    const first = coracle.run(['build', '-t', 'app:1', '-q', context])
    assert.equal(first.status, 0, first.stderr)
    assert.equal(run('app:1'), 'hello world\ncopied')
    const again = coracle.run(['build', '-t', 'app:2', '--progress', 'plain', context])
    assert.equal(again.stderr.match(/CACHED/g)?.length, 3)
    assert.equal(coracle.output('image', 'inspect', '-f', '{{.Id}}', 'app:2'), first.stdout.trim())
    assert.match(coracle.output('history', '--format', '{{.CreatedBy}}', '--no-trunc', 'app:1'), /^CMD \["\/bin\/sh"/)
  })

  it('runs again what has changed, and what comes after it', () => {
    const dockerfile = `FROM ${IMAGE}\nRUN echo 1 > /1\nCOPY f /f\nRUN cat /f > /2\n`
    built({ Dockerfile: dockerfile, f: 'one' })
    const changed = built({ Dockerfile: dockerfile, f: 'two' }, '-t', 'changed')
    assert.equal(changed.match(/CACHED/g)?.length, 1)
    assert.equal(run('changed', 'cat', '/2'), 'two')
    assert.equal(built({ Dockerfile: dockerfile, f: 'two' }).match(/CACHED/g)?.length, 3)
    assert.doesNotMatch(built({ Dockerfile: dockerfile, f: 'two' }, '--no-cache'), /CACHED/)
  })

  it('lets commands wait for no disk: a step that the host does not survive is carried out again', () => {
    const said = built(
      { Dockerfile: `FROM ${IMAGE}\nRUN grep ' / ' /proc/mounts && touch /f && sync /f\n` },
      '--no-cache',
    )
    assert.match(said, / \/ overlay [^ ]*\bvolatile\b/)
  })

  it('says which instruction has failed, with what it printed and its exit status', () => {
    const said = refused({ Dockerfile: `FROM ${IMAGE}\nRUN echo 1 > /kept\nRUN echo to say; exit 7\n` })
    assert.match(said, /process "\/bin\/sh -c echo to say; exit 7" did not complete successfully: exit code: 7/)
    assert.match(said, /------\n > \[3\/3\] RUN echo to say; exit 7:\nto say\n------/)
    assert.match(said, /^> 3 \| RUN echo to say; exit 7$/m)
    assert.match(built({ Dockerfile: `FROM ${IMAGE}\nRUN echo 1 > /kept\n` }), /CACHED/)
    assert.match(refused({ Dockerfile: `FROM ${IMAGE}\nRUN ["/no/such"]\n` }), /no such file/)
    assert.match(
      refused({ Dockerfile: `FROM ${IMAGE}\nUSER nobody-here\nRUN id\n` }),
      /unable to find user nobody-here/,
    )
  })

  it('builds stages that do not need each other at once, and leaves out what the target does not need', () => {
    const wait = (mine: string, other: string) =>
      `RUN --mount=type=cache,target=/c touch /c/${mine}; for i in $(seq 300); do [ -e /c/${other} ] && exit 0; sleep 0.1; done; exit 1`
    built(
      {
        Dockerfile: [
          `FROM ${IMAGE} AS left\n${wait('l', 'r')}\nRUN echo l > /l`,
          `FROM ${IMAGE} AS right\n${wait('r', 'l')}\nRUN echo r > /r`,
          `FROM ${IMAGE} AS unused\nRUN exit 1`,
          `FROM ${IMAGE}\nCOPY --from=left /l /\nCOPY --from=right /r /\n`,
        ].join('\n'),
      },
      '-t',
      'both',
    )
    assert.equal(run('both', 'cat', '/l', '/r'), 'l\nr')
  })

  it('carries a step out once, however many builds want it at the same time', async () => {
    const Dockerfile = `FROM ${IMAGE}\nRUN --mount=type=cache,id=once,target=/c echo ran >> /c/log; sleep 1; cp /c/log /log\n`
    const context = writeContext(coracle.directory, { Dockerfile })
    const words = ['build', '-q', '--network', 'none', '-t', 'once', context]
    const outcomes = await Promise.all([1, 2, 3].map(() => spawned(coracle, words)))
    assert.deepEqual(new Set(outcomes.map(({ stdout }) => stdout)).size, 1, outcomes.map(({ stderr }) => stderr).join())
    assert.equal(run('once', 'cat', '/log'), 'ran')
  })

  it('shows secrets to the commands that ask for them, and to nobody else', () => {
    const secret = join(coracle.directory, 'token')
    writeFileSync(secret, 'hunter2')
    const Dockerfile = [
      `FROM ${IMAGE}`,
      'RUN --mount=type=secret,id=token stat -c %a /run/secrets/token > /mode && cat /run/secrets/token | wc -c > /size',
      'RUN --mount=type=secret,id=token,env=TOKEN test "$(printf %s "$TOKEN" | wc -c)" = 7',
      'RUN ! test -e /run/secrets',
    ].join('\n')
    built({ Dockerfile }, '-t', 'secretive', '--secret', `id=token,src=${secret}`)
    assert.equal(run('secretive', 'cat', '/mode', '/size'), '400\n7')
    assert.match(run('secretive', 'sh', '-c', 'ls /run 2>/dev/null; env; echo end'), /end$/)
    const image = coracle.run(['save', 'secretive'])
    assert.equal(image.status, 0)
    assert.ok(!image.stdout.includes('hunter2'))
    assert.deepEqual(readdirSync(join(coracle.directory, 'run/build')), [])
    const needed = `FROM ${IMAGE}\nRUN --mount=type=secret,id=other,required=true true`
    assert.match(refused({ Dockerfile: needed }), /secret other: not found/)
  })

  it('keeps cache mounts between builds, and out of images', () => {
    const step = (n: number) =>
      `FROM ${IMAGE}\nRUN --mount=type=cache,id=k,target=/cache echo ${n} >> /cache/log; cp /cache/log /log`
    built({ Dockerfile: step(1) })
    built({ Dockerfile: step(2) }, '-t', 'logged')
    assert.equal(run('logged', 'sh', '-c', 'cat /log; ls -d /cache 2>/dev/null || echo none'), '1\n2\nnone')
    assert.match(coracle.output('builder', 'prune', '-af'), /Total reclaimed space/)
    built({ Dockerfile: step(3) }, '-t', 'logged')
    assert.equal(run('logged', 'cat', '/log'), '3')
  })

  it('gives commands no more rights than containers have, and asks before it gives more', () => {
    const Dockerfile = `FROM ${IMAGE}\nRUN grep -E "Cap(Eff|Bnd)|Seccomp:|NoNewPrivs" /proc/self/status > /rights\n`
    built({ Dockerfile }, '-t', 'rights')
    const usual = run(IMAGE, 'grep', '-E', 'Cap(Eff|Bnd)|Seccomp:|NoNewPrivs', '/proc/self/status')
    assert.equal(run('rights', 'cat', '/rights'), usual)
    assert.match(
      refused({ Dockerfile: `FROM ${IMAGE}\nRUN --security=insecure true` }),
      /security\.insecure is not allowed/,
    )
    assert.match(refused({ Dockerfile: `FROM ${IMAGE}\nRUN --network=host true` }), /network\.host is not allowed/)
    built({ Dockerfile: `FROM ${IMAGE}\nRUN --network=host true` }, '--allow', 'network.host')
  })

  it('takes no file from outside of the context, wherever links lead', () => {
    const outside = join(coracle.directory, 'outside')
    writeFileSync(outside, 'the host')
    const copying = (source: string, files: ContextFiles) => ({
      Dockerfile: `FROM ${IMAGE}\nCOPY ${source} /got\n`,
      ...files,
    })
    assert.match(refused(copying('link', { link: `->${outside}` })), /"\/link": not found/)
    assert.match(refused(copying('../outside', {})), /"\/outside": not found/)
    assert.match(refused(copying('d/outside', { d: `->${coracle.directory}` })), /not found/)
    assert.match(refused({ Dockerfile: `FROM ${IMAGE}\nADD link /got\n`, link: `->${outside}` }), /not found/)
    const mounted = { Dockerfile: `FROM ${IMAGE}\nRUN --mount=target=/m cat /m/link\n`, link: `->${outside}` }
    assert.match(refused(mounted), /can't open '\/m\/link'/)
  })

  it('writes nothing outside of the image, wherever its links lead', () => {
    const victim = join(coracle.directory, 'victim')
    mkdirSync(victim)
    writeFileSync(join(victim, 'f'), 'the host')
    const Dockerfile = [
      `FROM ${IMAGE}`,
      `RUN ln -s ${victim} /way && ln -s ${victim}/f /file && ln -s ../../../../../..${victim} /up`,
      'COPY f /way/f',
      'COPY f /file',
      'COPY f /up/g',
      'WORKDIR /way/made',
      'RUN rm -rf /etc/* 2>/dev/null; mv /proc /p 2>/dev/null; true',
    ].join('\n')
    built({ Dockerfile, f: 'the image' }, '-t', 'hostile')
    assert.deepEqual(readdirSync(victim), ['f'])
    assert.equal(readFileSync(join(victim, 'f'), 'utf8'), 'the host')
    assert.equal(run('-w', '/', 'hostile', 'cat', `${victim}/f`, `${victim}/g`), 'the imagethe image')
  })

  it('leaves what its mounts stood on alone when a command has put a link there', () => {
    const victim = join(coracle.directory, 'empty-file')
    writeFileSync(victim, '')
    const Dockerfile = `FROM ${IMAGE}\nRUN --mount=type=tmpfs,target=/a/b mv /a /c && ln -s ${coracle.directory} /a\n`
    build({ Dockerfile })
    assert.ok(existsSync(victim))
  })

  it('copies what is mounted somewhere in the context', () => {
    const context = writeContext(coracle.directory, { Dockerfile: 'FROM scratch\nCOPY a /b\n', 'a/file': 'file' })
    mkdirSync(join(context, 'a/m'))
    const out = join(coracle.directory, 'of-mounts')
    const script = 'mount -t tmpfs none a/m && echo mounted >a/m/f && exec "$0" build -q -o "$1" .'
    const words = ['-m', 'sh', '-c', script, join(packageRoot, 'bin/coracle'), out]
    const { status, stderr } = spawnSync('unshare', words, { cwd: context, env: coracle.env, encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    assert.equal(readFileSync(join(out, 'b/m/f'), 'utf8'), 'mounted\n')
  })

  it('unpacks archives with ADD, and takes them as they are where it is told', async () => {
    const tar = tarOf([{ path: 'in/file', content: 'packed', mode: 0o640 }])
    const context = writeContext(coracle.directory, {
      Dockerfile: `FROM ${IMAGE}\nADD a.tar /x/\nADD --unpack=false a.tar /y/\n`,
    })
    writeFileSync(join(context, 'a.tar'), tar)
    assert.equal(coracle.run(['build', '-q', '-t', 'added', context]).status, 0)
    assert.equal(run('added', 'sh', '-c', 'cat /x/in/file; stat -c " %a" /x/in/file; ls /y'), 'packed 640\na.tar')
  })

  it('reads the Dockerfile, or a whole context, from standard input', () => {
    const alone = coracle.run(['build', '-q', '-t', 'piped', '-'], { input: `FROM ${IMAGE}\nRUN echo piped > /p\n` })
    assert.equal(alone.status, 0, alone.stderr)
    assert.equal(run('piped', 'cat', '/p'), 'piped')
    const tar = tarOf([
      { path: 'Dockerfile', content: `FROM ${IMAGE}\nCOPY f /f\n` },
      { path: 'f', content: 'in a tar' },
    ])
    assert.equal(coracle.run(['build', '-q', '-t', 'tarred', '-'], { input: tar }).status, 0)
    assert.equal(run('tarred', 'cat', '/f'), 'in a tar')
    const hostile = tarOf([{ path: 'Dockerfile', type: 'SymbolicLink', linkpath: '/etc/passwd' }])
    assert.match(coracle.run(['build', '-'], { input: hostile }).stderr, /leads out of the build context/)
  })

  it('gives files instead of an image where it is asked to', () => {
    const files = { Dockerfile: `FROM scratch\nCOPY a /b/a\n`, a: 'out' }
    const directory = join(coracle.directory, 'out')
    built(files, '-o', directory)
    assert.equal(readFileSync(join(directory, 'b/a'), 'utf8'), 'out')
    built(files, '-o', `type=tar,dest=${directory}.tar`)
    assert.match(readFileSync(`${directory}.tar`, 'latin1'), /^b\//)
    for (const type of ['tar', 'oci']) {
      const context = writeContext(coracle.directory, files)
      const { status, stderr } = coracle.run(['build', '-q', '-o', `type=${type},dest=${directory}/no/x.tar`, context])
      assert.deepEqual(
        [status, /^coracle: cannot write .*no\/x\.tar: there is no such directory$/m.test(stderr)],
        [1, true],
      )
    }
    built(files, '-t', 'saved:1', '-o', `type=docker,dest=${directory}.docker.tar`)
    coracle.output('rmi', 'saved:1')
    assert.match(coracle.output('load', '-i', `${directory}.docker.tar`), /saved:1/)
  })

  it('makes the same image of the same files whenever and wherever it is built', () => {
    const other = openCoracle()
    try {
      const Dockerfile = `FROM scratch\nCOPY a /d/a\nWORKDIR /w/x\nENV A=1\n`
      const ids = [coracle, other].map((one) => {
        const context = writeContext(one.directory, { Dockerfile, a: 'same' })
        const outcome = one.run(['build', '-q', '--build-arg', 'SOURCE_DATE_EPOCH=1000000000', context])
        assert.equal(outcome.status, 0, outcome.stderr)
        return outcome.stdout
      })
      assert.equal(ids[0], ids[1])
    } finally {
      other.close()
    }
  })

  it('builds images of modules, and says why nothing can be run in them', () => {
    const files = {
      Dockerfile: 'FROM scratch\nCOPY app.wasm /\nENTRYPOINT ["/app.wasm"]\n',
      'app.wasm': '\0asm\x01\0\0\0',
    }
    built(files, '--platform', 'wasi/wasm', '-t', 'module')
    assert.equal(coracle.output('image', 'inspect', '-f', '{{.Os}}/{{.Architecture}}', 'module'), 'wasi/wasm')
    const running = { ...files, Dockerfile: 'FROM scratch\nRUN true\n' }
    assert.match(refused(running, '--platform', 'wasi/wasm'), /RUN cannot be carried out for the platform wasi\/wasm/)
  })

  it('downloads with ADD, and refuses what has another digest', async () => {
    const server = createServer((_, answer) => answer.end('downloaded')).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.txt`
      const files = { Dockerfile: `FROM ${IMAGE}\nADD ${url} /d/\n` }
      const outcome = await spawned(coracle, ['build', '-q', '-t', 'fetched', writeContext(coracle.directory, files)])
      assert.equal(outcome.status, 0, outcome.stderr)
      assert.equal(run('fetched', 'sh', '-c', 'cat /d/file.txt; stat -c " %a" /d/file.txt'), 'downloaded 600')
      const wrong = { Dockerfile: `FROM ${IMAGE}\nADD --checksum=sha256:${'0'.repeat(64)} ${url} /d/\n` }
      const refusal = await spawned(coracle, ['build', writeContext(coracle.directory, wrong)])
      assert.match(refusal.stderr, /digest mismatch/)
    } finally {
      server.close()
    }
  })

  it('forgets, and removes, what the cache alone holds', () => {
    built({ Dockerfile: `FROM ${IMAGE}\nRUN echo gone > /gone\n` }, '-o', 'type=cacheonly')
    const before = readdirSync(join(coracle.directory, 'root/snapshots')).length
    assert.match(coracle.output('system', 'df'), /^Build Cache +[1-9]/m)
    coracle.output('builder', 'prune', '-af')
    assert.match(coracle.output('system', 'df'), /^Build Cache +0 /m)
    assert.ok(readdirSync(join(coracle.directory, 'root/snapshots')).length < before)
    const kept = { Dockerfile: `FROM ${IMAGE}\nRUN echo kept > /kept\n` }
    built(kept, '-t', 'kept')
    coracle.output('image', 'prune', '-af', '--filter', 'until=1h')
    assert.match(built(kept), /CACHED/)
  })

  it('keeps its layers from a collection that comes when nothing but the cache has them', () => {
    const files = { Dockerfile: `FROM ${IMAGE}\nRUN echo cached > /f\n` }
    built(files, '-t', 'transient')
    coracle.output('rmi', 'transient')
    coracle.output('image', 'prune', '-f')
    assert.match(coracle.output('system', 'check'), /all is well$/)
    assert.match(built(files, '-t', 'transient'), /CACHED/)
    assert.equal(run('transient', 'cat', '/f'), 'cached')
  })

  it('leaves nothing when it is killed, but what has succeeded', async () => {
    const files = { Dockerfile: `FROM ${IMAGE}\nRUN echo before > /b\nRUN touch /now; sleep 300\n` }
    const context = writeContext(coracle.directory, files)
    const child = coracle.start(['build', '--progress', 'plain', '--network', 'none', context])
    await waitFor(child.stderr, /RUN touch \/now/)
    const database = openDatabase(join(coracle.directory, 'root/state.db'))
    const running = () => database.prepare("SELECT count(*) AS count FROM containers WHERE state = 'running'").get()
    while (running()?.['count'] !== 1) await new Promise((resolve) => setTimeout(resolve, 20))
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('close', resolve))
    assert.deepEqual(coracle.leftovers(), [])
    database.close()
    const again = built({ Dockerfile: `FROM ${IMAGE}\nRUN echo before > /b\n` })
    assert.match(again, /CACHED/)
  })

  it('stops at once when it is interrupted', async () => {
    const context = writeContext(coracle.directory, { Dockerfile: `FROM ${IMAGE}\nRUN echo ready; sleep 300\n` })
    const child = coracle.start(['build', '--progress', 'plain', '--network', 'none', context])
    await waitFor(child.stderr, /\d ready/)
    const closed = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGINT')
    assert.equal(await closed, 130)
  })

  it('is shown in no list of containers and no event', () => {
    const seen = built({ Dockerfile: `FROM ${IMAGE}\nRUN echo ${Math.random()}\n` })
    assert.match(seen, /DONE/)
    assert.equal(coracle.output('ps', '-aq'), '')
    const events = coracle.output('events', '--since', '1h', '--until', '0s', '--filter', 'type=container')
    assert.doesNotMatch(events, /buildkitsandbox|image=,/)
  })
})

async function waitFor(stream: NodeJS.ReadableStream | null, pattern: RegExp): Promise<void> {
  let text = ''
  if (stream === null) throw new Error('there is no stream')
  await new Promise<void>((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (pattern.test(text)) resolve()
    })
    stream.once('end', () => reject(new Error(`it ended without ${pattern}: ${text}`)))
  })
}

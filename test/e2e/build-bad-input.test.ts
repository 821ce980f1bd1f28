import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { writeContext } from '../support/build-context.ts'
import { type Builder, useBuilder } from '../support/built.ts'
import { type Coracle, IMAGE } from '../support/coracle.ts'

const FROM = `FROM ${IMAGE}\n`
const many = (count: number, line: (n: number) => string) => Array.from({ length: count }, (_, n) => line(n)).join('\n')

describe('build of what nobody should write', function () {
  this.timeout(60_000)
  let coracle: Coracle
  let builder: Builder
  useBuilder((opened) => {
    ;({ coracle, builder } = opened)
  })

  const context = (dockerfile: string) => writeContext(coracle.directory, { Dockerfile: `${FROM}${dockerfile}` })

  it('waits for no pipe, and reads no device, that stands where a file should', () => {
    const root = context('COPY . /x/\nADD pipe /y\nRUN stat -c "%n %F" /x/* /y > /kinds\n')
    execFileSync('mkfifo', [join(root, 'pipe')])
    execFileSync('mknod', [join(root, 'null'), 'c', '1', '3'])
    builder.built(root, '-t', 'kinds')
    assert.equal(
      builder.run('kinds', 'cat', '/kinds'),
      '/x/Dockerfile regular file\n/x/null character special file\n/x/pipe fifo\n/y fifo',
    )
    for (const make of [
      (path: string) => execFileSync('mkfifo', [path]),
      (path: string) => mkdirSync(path),
      (path: string) => symlinkSync('/dev/zero', path),
    ]) {
      const ignoring = context('')
      make(join(ignoring, '.dockerignore'))
      assert.match(builder.refused(ignoring), /cannot read \.dockerignore: it is no file/)
      rmSync(join(ignoring, 'Dockerfile'))
      make(join(ignoring, 'Dockerfile'))
      assert.match(builder.refused(ignoring), /failed to read dockerfile: open Dockerfile/)
    }
  })

  it('leaves sockets out, as docker does', async () => {
    const root = context('COPY . /x/\nRUN ls -A /x > /list\n')
    const server = createServer().listen(join(root, 'socket'))
    try {
      await new Promise((resolve) => server.once('listening', resolve))
      builder.built(root, '-t', 'sockets')
      assert.equal(builder.run('sockets', 'cat', '/list'), 'Dockerfile')
    } finally {
      server.close()
    }
  })

  it('keeps names of any bytes as they are', () => {
    const root = context(
      'COPY . /x/\nCOPY w* /glob/\nRUN cd /x; for f in *; do printf %s "$f" | od -An -tx1; done > /names\n',
    )
    const names = ['w\u001b[2J', 'w\nline', 'w\\', 'w"quote\'', ' w ', '*', `w${'n'.repeat(254)}`].map((name) =>
      Buffer.from(name),
    )
    for (const name of [...names, Buffer.from('w\xff\xfe', 'latin1')])
      writeFileSync(Buffer.concat([Buffer.from(`${root}/`), name]), 'x')
    const said = builder.built(root, '-t', 'names')
    assert.ok(!said.includes('\u001b'))
    const listed = builder.run('names', 'sh', '-c', 'cat /names; ls /glob | wc -l')
    assert.match(listed, /^ 77 ff fe$/m)
    assert.match(listed, /^ 77 0a 6c 69 6e 65$/m)
    assert.match(listed, /^ 77 1b 5b 32 4a$/m)
    assert.match(listed, /\n6$/)
  })

  it('says which path is longer than any may be', () => {
    const root = context('COPY . /x/\n')
    const name = 'd'.repeat(200)
    execFileSync('bash', ['-c', `cd ${root}; for n in $(seq 25); do mkdir ${name}; cd ./${name}; done; echo > file`])
    assert.match(builder.refused(root), /^coracle: .*cannot read the build context: .*dddd.*: File name too long$/m)
  })

  it('counts what a hard link leads to, copied alone or along with it', () => {
    const root = context('COPY b /b\nCOPY . /all/\n')
    const write = (content: string) => writeFileSync(join(root, 'a'), content)
    write('one')
    linkSync(join(root, 'a'), join(root, 'b'))
    builder.built(root, '-t', 'linked')
    write('two')
    builder.built(root, '-t', 'linked')
    assert.equal(builder.run('linked', 'cat', '/b', '/all/b'), 'twotwo')
    const inStage = `${FROM}RUN mkdir /d && echo one > /d/a && ln /d/a /d/b && ln /d/a /d/c\n`
    const copying = `FROM ${IMAGE}\nCOPY --from=0 --exclude=a /d /x\n`
    builder.built({ Dockerfile: inStage + copying }, '-t', 'linked')
    assert.equal(builder.run('linked', 'sh', '-c', 'cat /x/b; stat -c "%n %h" /x/*'), 'one\n/x/b 2\n/x/c 2')
  })

  it('carries out thousands of instructions in time, and says where there are too many', () => {
    builder.built({
      Dockerfile: `${FROM}${many(5000, (n) => `LABEL l${n}=1`)}\n${many(4000, (n) => `EXPOSE ${n + 1}`)}`,
    })
    const refused = builder.refused({ Dockerfile: `${FROM}${many(100_000, () => 'ENV a=1')}` })
    assert.match(refused, /parse error on line 10001: an image of more than 10000 instructions/)
    assert.match(builder.refused({ Dockerfile: many(10_000, () => 'FROM scratch') }), /more than 1000 stages/)
  })

  it('stacks more layers than one mount option can name', () => {
    const Dockerfile = `${FROM}${many(130, (n) => `COPY <<E /f${n}\n${n}\nE`)}\nRUN cat /f* | wc -l > /count\n`
    builder.built({ Dockerfile }, '-t', 'layers')
    assert.equal(builder.run('layers', 'cat', '/count'), '130')
  })

  it('refuses in one line what has no sense, and shows the place', () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      [`ENV A=x\n${many(40, () => 'ENV A=$A$A')}`, /^> 23 \| ENV A=\$A\$A$/m],
      [`ENV A=${'${A:-'.repeat(5000)}`, /variables are nested too deeply/],
      [`ENV A=${'x'.repeat(1 << 20)}\nCOPPY 1`, /^> 3 \| COPPY 1$/m],
      [`COPY <<E /f\n${'y'.repeat(17 << 20)}\nE`, /the Dockerfile is larger than 16 MiB/],
      ['RUN echo \0', /line 2/],
      ['COPY --from=7 / /', /^there are 1 stages/m],
      ['COPY --from=0 / /', /needs itself/],
      ['COPY ../../../etc/shadow /', /"\/etc\/shadow": not found/],
      ['COPY missing /', /"\/missing": not found/],
      ['ADD missing /', /missing.*: not found/],
      ['COPY [a /', /syntax error in pattern/],
      ['RUN --mount=source=missing true', /"\/missing": not found/],
    ]
    for (const [dockerfile, message] of cases) assert.match(builder.refused({ Dockerfile: FROM + dockerfile }), message)
    const root = context('')
    writeFileSync(join(root, 'Dockerfile'), Buffer.from(`${FROM}RUN echo \xff\n`, 'latin1'))
    assert.match(builder.refused(root), /line 2/)
  })

  it('says what is wrong with a flag before it looks at a context', () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['--secret=id=x,src=/no/where', /^coracle: file \/no\/where of secret x is not there$/],
      [
        '--secret=id=x,env=NO_SUCH_VARIABLE',
        /^coracle: environment variable NO_SUCH_VARIABLE of secret x is not there$/,
      ],
      ['--secret=colour=red', /^coracle: unexpected key 'colour' in/],
      ['--ssh=default=/no/where', /^coracle: \/no\/where is no socket of an ssh agent$/],
      ['--build-arg==x', /^coracle: invalid build argument/],
      ['--build-arg=SOURCE_DATE_EPOCH=soon', /^coracle: invalid SOURCE_DATE_EPOCH "soon"$/],
      ['--build-context=x', /^coracle: invalid context value: x/],
      ['--build-context=x=/no/where', /^coracle: failed to get build context: \/no\/where is no directory$/],
      ['--network=bridge', /^coracle: network mode "bridge" is not supported by builds$/],
      ['--allow=everything', /^coracle: unknown entitlement everything$/],
    ]
    for (const more of [[], ['--check']])
      for (const [flag, message] of cases) {
        const { status, stdout, stderr } = coracle.run(['build', flag, ...more, '/no/context'])
        assert.deepEqual([status, stdout], [1, ''], flag)
        assert.match(stderr.split('\n')[0] ?? '', message)
      }
    for (const flag of ['--progress=bogus', '--no-cache=perhaps'])
      assert.equal(coracle.run(['build', flag, '/no/context']).status, 125, flag)
  })
})

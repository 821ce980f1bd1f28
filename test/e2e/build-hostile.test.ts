import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, it } from 'mocha'
import { writeContext } from '../support/build-context.ts'
import { type Builder, useBuilder } from '../support/built.ts'
import { type Coracle, IMAGE } from '../support/coracle.ts'
import { device, directory, fifo, file, hardLink, symlink, tarOf } from '../support/tar.ts'

const FROM = `FROM ${IMAGE}\n`

describe('build of what means harm', function () {
  this.timeout(60_000)
  let coracle: Coracle
  let builder: Builder
  let victim: string
  useBuilder((opened) => {
    ;({ coracle, builder } = opened)
    victim = join(coracle.directory, 'victim')
    mkdirSync(victim)
    writeFileSync(join(victim, 'f'), 'the host')
    writeFileSync(join(victim, 'passwd'), 'evil:x:4711:4711::/:/bin/sh\n')
    symlinkSync(victim, join(coracle.directory, 'way'))
  })
  afterEach(() => {
    assert.deepEqual(readdirSync(victim), ['f', 'passwd'])
    assert.equal(readFileSync(join(victim, 'f'), 'utf8'), 'the host')
  })

  it('mounts nothing where links in the image lead to', () => {
    const links = ['proc', 'sys', 'dev', 'etc/hosts', 'etc/resolv.conf', 'etc/hostname', 'run/secrets', 'tmp/m', 'c']
    const words = links.map((path) => `rm -rf /n/${path}; mkdir -p /n/$(dirname ${path}); ln -s ${victim} /n/${path}`)
    const Dockerfile = [
      `FROM ${IMAGE} AS links\nRUN ${words.join('; ')}`,
      `${FROM}COPY --from=links /n /`,
      'RUN --mount=type=secret,id=s --mount=type=cache,target=/c --mount=type=tmpfs,target=/tmp/m echo harm | tee /etc/hosts /c/f /tmp/m/f; true',
    ].join('\n')
    builder.build({ Dockerfile }, '--secret', `id=s,src=${join(victim, 'passwd')}`)
    const files = Object.fromEntries(links.map((path) => [path, `->${victim}`]))
    builder.build({
      Dockerfile: `FROM scratch\nCOPY . /\nRUN ["/bin/true"]\nWORKDIR /proc/x\nCOPY <<E /c/g\nE\n`,
      ...files,
    })
  })

  it('takes the ids of caches for names, not for paths', () => {
    const ids = ['../../../victim', '/', '..', '.', 'a/../../b', `${victim}/made`]
    const mounts = ids.map((id, n) => `--mount=type=cache,id=${id},target=/c${n}`).join(' ')
    builder.built({ Dockerfile: `${FROM}RUN ${mounts} echo harm | tee /c0/f /c1/f /c2/f /c3/f /c4/f /c5/f\n` })
    const mounted = readdirSync(join(coracle.directory, 'root/build/mounts'))
    assert.ok(mounted.length >= ids.length && mounted.every((name) => /^[0-9a-f]{64}$/.test(name)))
  })

  it('lets no command write to the context, nor to another stage, that it has mounted', () => {
    const root = writeContext(coracle.directory, {
      'd/f': 'mine',
      Dockerfile: [
        `FROM ${IMAGE} AS other\nRUN echo theirs > /f`,
        `${FROM}RUN --mount=target=/m,rw --mount=target=/n,source=d,rw --mount=target=/o,source=d/f,rw --mount=target=/p,from=other,rw \\`,
        '  echo harm | tee /m/d/f /n/f /o /p/f /m/new && chmod 777 /m/d /n && cat /p/f > /seen',
        'RUN --mount=target=/m,from=other cat /m/f >> /seen',
      ].join('\n'),
    })
    builder.built(root, '-t', 'mounted')
    assert.equal(builder.run('mounted', 'cat', '/seen'), 'harm\ntheirs')
    assert.equal(readFileSync(join(root, 'd/f'), 'utf8'), 'mine')
    assert.deepEqual(readdirSync(root).toSorted(), ['Dockerfile', 'd'])
    assert.equal(statSync(join(root, 'd')).mode & 0o777, 0o755)
  })

  it('follows links of a mounted stage inside of it only', () => {
    const stage = `FROM ${IMAGE} AS s\nRUN ln -s ${victim}/f /f && ln -s ../../../../..${victim} /d && ln -s / /root-of-it\n`
    const mounting = (source: string) =>
      `${stage}${FROM}RUN --mount=from=s,target=/m,source=${source} cat /m > /got || ls /m > /got\n`
    assert.match(builder.refused({ Dockerfile: mounting('/f') }), /"\/f": not found/)
    assert.match(builder.refused({ Dockerfile: mounting('/d') }), /"\/d": not found/)
    assert.match(builder.refused({ Dockerfile: mounting('/d/f') }), /"\/d\/f": not found/)
    builder.built({ Dockerfile: mounting('/root-of-it/etc/passwd') }, '-t', 'followed')
    assert.match(builder.run('followed', 'cat', '/got'), /^root:x:0/)
    assert.match(builder.refused({ Dockerfile: `${stage}${FROM}COPY --from=s /d/f /\n` }), /"\/d\/f": not found/)
  })

  it('ends what a command leaves behind, and waits for none of it', () => {
    const daemon = 'trap "" TERM HUP; while :; do sleep 1000; done'
    const Dockerfile = `${FROM}RUN (${daemon}) & (${daemon}) >/dev/null 2>&1 </dev/null & echo done > /done\n`
    builder.built({ Dockerfile }, '-t', 'daemons')
    assert.equal(builder.run('daemons', 'cat', '/done'), 'done')
  })

  it('finds no user by way of a link out of the image', () => {
    const Dockerfile = `${FROM}RUN rm /etc/passwd && ln -s ${victim}/passwd /etc/passwd\n`
    for (const instruction of [
      'COPY --chown=evil f /',
      'ADD --chown=evil f /',
      'USER evil\nRUN true',
      'USER evil\nWORKDIR /x',
    ])
      assert.match(builder.refused({ Dockerfile: Dockerfile + instruction, f: '' }), /unable to find user evil/)
  })

  it('gives the triggers of a base no more than instructions have', () => {
    const trigger = (text: string): string => {
      builder.built({ Dockerfile: `${FROM}ONBUILD ${text}\n` }, '-t', 'triggering')
      return builder.refused({ Dockerfile: 'FROM triggering\n' })
    }
    assert.match(trigger('RUN --network=host true'), /network\.host is not allowed/)
    assert.match(trigger('RUN --security=insecure true'), /security\.insecure is not allowed/)
    assert.match(trigger('COPY ../../../../etc/shadow /'), /"\/etc\/shadow": not found/)
    assert.match(trigger('RUN --mount=type=secret,id=s,required true'), /secret s: not found/)
    assert.match(trigger('COPY --from=triggering:no-such / /'), /no-such/)
  })

  it('keeps what is set-user-id in layers out of reach of the users of this host', () => {
    builder.built({ Dockerfile: `${FROM}RUN cp /bin/busybox /su && chmod 4755 /su\n` }, '-t', 'setuid')
    assert.equal(builder.run('setuid', 'stat', '-c', '%a', '/su'), '4755')
    const ways = ['root', 'root/snapshots'].map((path) => statSync(join(coracle.directory, path)).mode & 0o007)
    assert.ok(ways.includes(0), `anybody may look into the layers: ${ways}`)
    const privileges = builder.built({ Dockerfile: `${FROM}RUN unshare -Ur id; mount -t tmpfs x /tmp; echo ended\n` })
    assert.match(privileges, /unshare.*: Operation not permitted/)
    assert.match(privileges, /mount: permission denied/)
  })

  it('goes on where a command has taken its own image apart', () => {
    const Dockerfile = [
      `${FROM}RUN chmod 0 / /etc /bin && rm -rf /tmp /usr && ln -s /nowhere /lib`,
      'COPY f /lib/f\nWORKDIR /tmp/x\nRUN ["/bin/busybox", "touch", "y"]\n',
    ].join('\n')
    builder.built({ Dockerfile, f: 'f' }, '-t', 'apart')
    assert.equal(builder.run('apart', '/bin/busybox', 'ls', '/nowhere', '/tmp/x'), '/nowhere:\nf\n\n/tmp/x:\ny')
  })

  const adding = (entries: Parameters<typeof tarOf>[0], name = 'a.tar', pack = (tar: Buffer) => tar) => {
    const Dockerfile = `${FROM}RUN mkdir /t && ln -s ${victim} /t/way && mkdir /t/real && ln -s real /t/near\nADD ${name} /t/\n`
    const root = writeContext(coracle.directory, { Dockerfile })
    writeFileSync(join(root, name), pack(tarOf(entries)))
    return root
  }

  it('unpacks no archive to anywhere else', () => {
    assert.match(builder.refused(adding([file('../../../../victim/h', 'harm')])), /leads out of it/)
    assert.match(builder.refused(adding([hardLink('x', `${victim}/f`), file('x', 'harm')])), /No such file/)
    assert.match(builder.refused(adding([hardLink('x', '../../../../victim/f')])), /leads out of it|No such file/)
    const links = [symlink('x', victim), file('x/f', 'harm'), symlink('up', '../../../../victim'), file('up/g', 'harm')]
    builder.build(adding(links))
    const through = [file('way/f', 'in the image'), file('near/f', 'near'), file(`${victim}/absolute`, 'inside')]
    builder.built(adding(through), '-t', 'through')
    assert.equal(
      builder.run('through', 'cat', `${victim}/f`, '/t/real/f', `/t${victim}/absolute`),
      'in the imagenearinside',
    )
  })

  it('unpacks what archives hold besides files, and tells of those that are broken', () => {
    const odd = [device('null', 'c', [1, 3]), fifo('p'), file('su', 'x', { mode: 0o4755 }), directory('near/d')]
    builder.built(adding(odd), '-t', 'odd')
    assert.equal(
      builder.run('odd', 'stat', '-c', '%a %F', '/t/null', '/t/p', '/t/su'),
      '644 character special file\n644 fifo\n4755 regular file',
    )
    const half = (tar: Buffer) => tar.subarray(0, 700)
    assert.match(builder.refused(adding([file('z', Buffer.alloc(9000))], 'a.tar', half)), /it ends within a file/)
    const torn = (tar: Buffer) => gzipSync(tar).subarray(0, -20)
    assert.match(
      builder.refused(adding([file('z', execFileSync('head', ['-c', '9000', '/dev/urandom']))], 'a.tgz', torn)),
      /cannot be inflated/,
    )
    builder.built(
      adding([], 'text.gz', () => gzipSync('no archive')),
      '-t',
      'text',
    )
    assert.equal(builder.run('text', 'busybox', 'zcat', '/t/text.gz'), 'no archive')
  })

  it('brings nothing back that an archive has replaced, whatever takes the place of that', () => {
    const [one, other] = [[file('x', 'one')], [directory('x'), file('x/b', 'b')]]
    const Dockerfile = `${FROM}RUN mkdir -p /d/x && touch /d/x/a\n`
    for (const archives of [[one, other], [[...one, ...other]]]) {
      const context = writeContext(coracle.directory, { Dockerfile: `${Dockerfile}ADD *.tar /d/\n` })
      for (const [index, entries] of archives.entries()) writeFileSync(join(context, `${index}.tar`), tarOf(entries))
      coracle.output('build', '-q', '-t', 'replaced', context)
      assert.equal(builder.run('replaced', 'find', '/d', '-type', 'f'), '/d/x/b')
    }
  })
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { digestOf } from '../../src/oci/digest.ts'
import { writeContext } from '../support/build-context.ts'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { makeUser, removeUser } from '../support/ordinary-user.ts'

const USER = 'coracle-e2e-again'
const EPOCH = '1000000000'

/** Whatever may tell of the place and the moment: names, times, orders, owners, modes, what others leave behind. */
const FILES = {
  Dockerfile: [
    `FROM ${IMAGE} AS made`,
    'ARG SOURCE_DATE_EPOCH',
    'RUN --mount=type=cache,target=/root/.cache/x date > /root/.cache/x/when && mkdir -p /made/deep',
    'RUN for n in 9 3 7 1 5 2 8; do echo $n > /made/file-$n; ln /made/file-$n /made/deep/link-$n; done',
    'RUN echo "$SOURCE_DATE_EPOCH" > /made/epoch; date +%Z > /made/zone; hostname > /made/host; umask > /made/umask',
    'RUN env | sort > /made/env; id > /made/id; cat /etc/hosts /etc/resolv.conf > /dev/null',
    `FROM ${IMAGE}`,
    'RUN echo 1 > /etc/first && touch /etc/second && rm /etc/first && rm -r /home && mkdir -p /home/x && chown 33:34 /home/x',
    'WORKDIR /work/inner',
    'COPY --from=made --chown=www:audio /made /made',
    'COPY . .',
    'ADD --chmod=600 tree/b /new/parent/b',
    'RUN --mount=type=bind,source=tree,target=/mnt/tree --mount=type=tmpfs,target=/scratch cp -r /mnt/tree /copied',
    'RUN mknod /pipe p && ln -s nowhere /dangling && chmod 1777 /copied && dd if=/dev/zero of=/holes bs=1 seek=1000000 count=1',
    'COPY --link --chmod=755 tree/a /linked/a',
    'LABEL z=1 a=2',
  ].join('\n'),
  'tree/a': 'a',
  'tree/b': 'b',
  'tree/sub/c': 'c',
  link: '->tree/a',
}

describe('a build with SOURCE_DATE_EPOCH', function () {
  this.timeout(120_000)
  const opened: Coracle[] = []
  let first: string
  let base: string

  /** @returns the digest of the archive: of the index, the manifest, the config and all layers, and of their order */
  const build = (coracle: Coracle, ...args: string[]): string => {
    const archive = join(coracle.directory, 'image.tar')
    const env = { SOURCE_DATE_EPOCH: EPOCH }
    const context = writeContext(coracle.directory, FILES, { 'tree/b': 0o640, 'tree/sub': 0o700 })
    utimesSync(join(context, 'tree/a'), 900_000_000, 900_000_000)
    const { uid, gid } = statSync(coracle.directory)
    spawnSync('chown', ['-R', `${uid}:${gid}`, context])
    const words = ['build', '-q', '--network', 'none', '-t', 'again:1', '-o', `type=oci,dest=${archive}`]
    const { status, stderr } = coracle.run([...words, ...args, context], { env })
    assert.equal(status, 0, stderr)
    return digestOf(readFileSync(archive))
  }
  const open = (...args: Parameters<typeof openCoracle>): Coracle => {
    const coracle = openCoracle(...args)
    opened.push(coracle)
    if (base !== undefined) assert.equal(coracle.run(['load', '-q'], { input: readFileSync(base) }).status, 0)
    return coracle
  }

  before(function () {
    needsRoot(this)
    const coracle = open()
    base = join(coracle.directory, 'base.tar')
    coracle.output('save', '-o', base, IMAGE)
    first = build(coracle)
  })
  after(() => {
    for (const coracle of opened) coracle.close()
    removeUser(USER)
  })

  it('gives the same image again, from the cache and without it', () => {
    const [coracle] = opened
    assert(coracle !== undefined)
    assert.equal(build(coracle), first)
    assert.equal(build(coracle, '--no-cache'), first)
  })

  it('gives the same image on another file system, under another name, mask, zone and language', function () {
    if (!existsSync('/dev/shm')) {
      console.log('skipped: there is no other file system at /dev/shm')
      this.skip()
    }
    const { TMPDIR } = process.env
    process.env['TMPDIR'] = '/dev/shm'
    try {
      const elsewhere =
        'hostname other.example; umask 077; export TZ=Asia/Tokyo LC_ALL=tr_TR.UTF-8 HOME=/nowhere; exec "$0" "$@"'
      assert.equal(build(open(undefined, ['unshare', '--uts', 'sh', '-c', elsewhere])), first)
    } finally {
      if (TMPDIR === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = TMPDIR
    }
  })

  it('gives the same image to an ordinary user', function () {
    const user = makeUser(this, USER)
    if (!readFileSync('/etc/subuid', 'utf8').includes(`${USER}:`)) {
      console.log('skipped: this host gives new users no subordinate ids')
      this.skip()
    }
    const coracle = open(user)
    assert.equal(build(coracle), first)
  })
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, it } from 'mocha'
import { writeContext } from '../support/build-context.ts'
import { type Builder, useBuilder } from '../support/built.ts'
import { type Coracle, eventually, IMAGE } from '../support/coracle.ts'
import { until } from '../support/until.ts'

const FROM = `FROM ${IMAGE}\n`

describe('what build remembers', function () {
  this.timeout(60_000)
  let coracle: Coracle
  let builder: Builder
  useBuilder((opened) => {
    ;({ coracle, builder } = opened)
  })

  const layers = (image: string) =>
    JSON.parse(coracle.output('image', 'inspect', '-f', '{{json .RootFS.Layers}}', image)) as string[]

  it('takes layers of --link over to another base, and no others', () => {
    const make = (name: string, base: string, flags: string) => {
      const Dockerfile = `${FROM}${base}\nCOPY ${flags} f /x/y/\nADD ${flags} f /z\nRUN cat /x/y/f /z > /both\n`
      const said = builder.built({ Dockerfile, f: 'linked' }, '-t', name)
      assert.equal(builder.run(name, 'cat', '/both'), 'linkedlinked')
      return { cached: said.match(/CACHED/g)?.length ?? 0, made: layers(name).slice(-3, -1) }
    }
    const first = make('linked:1', 'RUN ln -s /home /x', '--link --chown=5:6')
    const second = make('linked:2', 'RUN echo 2 > /2', '--link --chown=5:6')
    assert.deepEqual([second.cached, second.made], [2, first.made])
    assert.equal(builder.run('linked:1', 'stat', '-c', '%F %u:%g', '/x', '/x/y/f'), 'directory 5:6\nregular file 5:6')
    make('linked:3', 'RUN echo 3 > /3', '')
    assert.equal(make('linked:4', 'RUN echo 4 > /4', '').cached, 0)
    // Who `www` is the image says, and images differ.
    make('linked:5', 'RUN echo 5 > /5', '--link --chown=www')
    assert.equal(make('linked:6', "RUN sed -i 's/33/44/g' /etc/passwd", '--link --chown=www').cached, 0)
    assert.equal(builder.run('linked:6', 'stat', '-c', '%u', '/x/y/f'), '44')
    coracle.output('rmi', 'linked:1', 'linked:2')
    assert.match(coracle.output('system', 'check'), /all is well$/)
    coracle.output('builder', 'prune', '-af')
    assert.match(coracle.output('system', 'check'), /all is well$/)
  })

  it('knows a context of which nothing has been touched, and sees what is touched then', async () => {
    const root = writeContext(coracle.directory, { Dockerfile: 'FROM scratch\nCOPY . /\n', f: 'one', 'd/g': 'two' })
    const id = () => coracle.output('build', '-q', '--network', 'none', root)
    const walks = () => {
      const kept = join(coracle.directory, 'root/build/files')
      return existsSync(kept) ? readdirSync(kept).filter((name) => name.endsWith('.walk')) : []
    }
    const known = new Set([id()])
    // Files are trusted once their times are older than a file system may count.
    await until('the walk is known', () => known.add(id()) && walks().length > 0)
    known.add(id())
    assert.equal(known.size, 1)
    writeFileSync(join(root, 'f'), 'ONE')
    known.add(id())
    assert.equal(known.size, 2)
    writeFileSync(join(root, '.dockerignore'), 'd\n')
    known.add(id())
    assert.equal(known.size, 3)
    coracle.output('builder', 'prune', '-af')
    assert.deepEqual(walks(), [])
  })

  it('prunes no directory of a cache that a command has mounted', async () => {
    const wait = 'touch /k/here; until [ -e /k/go ]; do sleep 0.02; done; ls /k > /list'
    const root = writeContext(coracle.directory, { Dockerfile: `${FROM}RUN --mount=type=cache,target=/k ${wait}\n` })
    const child = coracle.start(['build', '--network', 'none', '-t', 'pruned', root])
    const mounts = join(coracle.directory, 'root/build/mounts')
    const find = (name: string) =>
      (existsSync(mounts) ? readdirSync(mounts) : []).map((key) => join(mounts, key, 'data', name)).find(existsSync)
    await eventually('the command has begun', () => find('here') !== undefined)
    coracle.output('builder', 'prune', '-af')
    const here = find('here')
    assert.ok(here !== undefined)
    const closed = once(child, 'close')
    writeFileSync(join(here, '../go'), '')
    assert.deepEqual(await closed, [0, null])
    assert.equal(builder.run('pruned', 'cat', '/list'), 'go\nhere')
    coracle.output('builder', 'prune', '-af')
    assert.deepEqual(readdirSync(mounts), [])
  })

  describe('and prunes', () => {
    const megabyte = (name: string) => `RUN dd if=/dev/urandom of=/${name} bs=1M count=1 2>/dev/null\n`
    const one = { Dockerfile: `${FROM}${megabyte('a')}${megabyte('b')}` }
    const other = { Dockerfile: `${FROM}${megabyte('c')}` }
    const remember = (files: { readonly Dockerfile: string }) => builder.built(files, '-o', 'type=cacheonly')
    const cached = (files: { readonly Dockerfile: string }) => remember(files).match(/CACHED/g)?.length ?? 0
    const shown = () => coracle.output('builder', 'du', '--filter', 'type=run', '--format', '{{.Description}}')
    const prune = (...args: string[]) =>
      /^Total .*: (.*)$/m.exec(coracle.output('builder', 'prune', '-af', ...args))?.[1]

    beforeEach(() => {
      coracle.output('builder', 'prune', '-af')
      remember(one)
      remember(other)
      assert.equal(cached(one), 2)
    })

    it('what was of use least lately, until the rest is small enough', () => {
      prune('--max-used-space', '100g')
      assert.equal(prune('--min-free-space', '1k'), '0B')
      assert.match(shown(), /a.*\n.*b|b.*\n.*a/s)
      // A layer is there twice: as it is read, and as it is sent.
      prune('--max-used-space', '5m', '--reserved-space', '5m')
      assert.deepEqual([cached(one), cached(other)], [2, 0])
      prune('--max-used-space', '1', '--reserved-space', '100g')
      assert.deepEqual([cached(one), cached(other)], [2, 1])
      prune('--keep-storage', '1')
      assert.equal(shown(), '')
    })

    it('what stands on a layer before that layer', () => {
      coracle.output('builder', 'prune', '-af', '--filter', 'description~=of=/c')
      prune('--max-used-space', '3m')
      assert.equal(cached(one), 1)
    })

    it('all steps that came to a layer, or it would stay', () => {
      prune()
      const twice = { Dockerfile: `${FROM.trimEnd()} AS a\n${megabyte('a')}FROM a\nRUN true\n` }
      remember(twice)
      builder.built(twice, '-o', 'type=cacheonly', '--target', 'a') // used later than what stands on it
      prune('--max-used-space', '1')
      assert.equal(shown(), '')
    })

    it('what filters name, and shows the same', () => {
      assert.equal(shown().split('\n').length, 3)
      assert.match(
        coracle.output('builder', 'du', '--filter', 'description~=/[ab] ', '--filter', 'private'),
        /^[0-9a-f]{12}.*\n[0-9a-f]{12}/m,
      )
      prune('--filter', 'description~=of=/[bc] ')
      assert.match(shown(), /^RUN dd if=\/dev\/urandom of=\/a [^\n]*$/)
      assert.equal(coracle.output('builder', 'du', '--filter', 'until=1h', '--format', '{{.ID}}'), '')
      for (const filter of ['inuse', 'type', 'type~=[', 'shared=perhaps', 'until=soon', 'description~(a+)+$'])
        assert.equal(coracle.run(['builder', 'prune', '-af', '--filter', filter]).status, 1, filter)
      assert.match(
        coracle.run(['builder', 'prune', '-af', '--max-used-space', 'much']).stderr,
        /"much" for "--max-used-space"/,
      )
    })

    it('no more than system df has promised, also of a base image that is gone', () => {
      const reclaimable = () =>
        /^Build Cache\t([^ \n]*)/m.exec(coracle.output('system', 'df', '--format', '{{.Type}}\t{{.Reclaimable}}'))?.[1]
      builder.built({ Dockerfile: `${FROM}${megabyte('base')}` }, '-t', 'base:1')
      coracle.output('builder', 'prune', '-f')
      coracle.output('save', '-o', join(coracle.directory, 'base.tar'), 'base:1')
      coracle.output('rmi', 'base:1')
      coracle.output('builder', 'prune', '-af')
      coracle.output('load', '-q', '-i', join(coracle.directory, 'base.tar'))
      remember({ Dockerfile: `FROM base:1\n${megabyte('d')}` })
      coracle.output('rmi', 'base:1')
      assert.match(coracle.output('builder', 'du', '--filter', 'type=layer', '--format', '{{.Size}}'), /MB$/)
      const promised = reclaimable()
      assert.match(promised ?? '', /MB$/)
      assert.equal(prune(), promised)
      assert.equal(reclaimable(), '0B')
    })
  })
})

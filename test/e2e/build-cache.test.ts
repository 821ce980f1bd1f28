import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { writeContext } from '../support/build-context.ts'
import { type Builder, useBuilder } from '../support/built.ts'
import { type Coracle, eventually, IMAGE } from '../support/coracle.ts'

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
})

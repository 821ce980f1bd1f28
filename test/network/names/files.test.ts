import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { NamesInvalid } from '../../../src/network/names/errors.ts'
import { writeNetworkNames, writeResolverConfig } from '../../../src/network/names/files.ts'
import type { NamedContainer } from '../../../src/network/names/types.ts'
import { scratchDirectory } from '../../support/scratch.ts'

/** As users have it who let nobody see their files. */
function underStrictUmask(): void {
  let umask = 0
  beforeEach(() => {
    umask = process.umask(0o077)
  })
  afterEach(() => {
    process.umask(umask)
  })
}

const PLAIN = { networks: ['net1'], upstreams: [], internal: false }

describe('writeNetworkNames', () => {
  underStrictUmask()

  it('writes a line for each container, in lower case, for all to read', async () => {
    const directory = join(await scratchDirectory(), 'networks')
    writeNetworkNames(directory, 'net1', [
      { ipv4: '10.9.0.2', ipv6: 'fd00::2', names: ['Web', 'web.front.'] },
      { ipv6: 'fd00::3', names: ['six'] },
    ])
    const file = join(directory, 'net1/names')
    assert.equal(readFileSync(file, 'utf8'), '10.9.0.2 fd00::2 web web.front\n- fd00::3 six\n')
    assert.deepEqual(
      [file, join(directory, 'net1'), directory].map((path) => statSync(path).mode & 0o777),
      [0o644, 0o711, 0o711],
    )
  })

  it('puts a new file in the place of the old one, whole, and leaves nothing beside it', async () => {
    const directory = await scratchDirectory()
    const names = (count: number) => Array.from({ length: count }, (_, i) => ({ ipv4: '10.9.0.2', names: [`c${i}`] }))
    writeNetworkNames(directory, 'net1', names(3))
    const before = statSync(join(directory, 'net1/names')).ino
    for (const count of [1, 2, 3]) writeNetworkNames(directory, 'net1', names(count))
    assert.notEqual(statSync(join(directory, 'net1/names')).ino, before)
    assert.deepEqual(readdirSync(join(directory, 'net1')), ['names'])
  })

  it('refuses whatever would read as something else than one name', async () => {
    const directory = await scratchDirectory()
    const names = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('a b', 'a\nb', '', '.', 'a..b'))
    fc.assert(
      fc.property(names, (name) => {
        try {
          writeNetworkNames(directory, 'net1', [{ ipv4: '10.9.0.2', names: [name] }])
        } catch (error) {
          assert(error instanceof NamesInvalid)
          return
        }
        assert.match(readFileSync(join(directory, 'net1/names'), 'latin1'), /^10\.9\.0\.2 - [!-~]+\n$/)
      }),
    )
  })

  it('refuses addresses that are none, ids that lead elsewhere, and more than responders read', async () => {
    const directory = await scratchDirectory()
    const refuses = (id: string, container: NamedContainer) =>
      assert.throws(() => writeNetworkNames(directory, id, [container]), NamesInvalid)
    refuses('net1', { ipv4: '10.9.0.2\n', names: [] })
    refuses('net1', { ipv6: 'fe80::1%eth0', names: [] })
    refuses('net1', { names: Array<string>(20_000).fill('x'.repeat(60)) })
    for (const id of ['..', '.hidden', 'a/b', '', 'x'.repeat(65)]) refuses(id, { names: [] })
  })
})

describe('writeResolverConfig', () => {
  underStrictUmask()

  it('writes a line for each network, resolver and rule', async () => {
    const directory = join(await scratchDirectory(), 'resolver')
    writeResolverConfig(directory, {
      networks: ['net1', 'net2'],
      upstreams: ['10.0.0.1', '[fd00::1]:53', 'fd00::2', '10.0.0.4'],
      internal: true,
      filter: {
        allow: [
          { kind: 'name', pattern: '*.example', port: 443 },
          { kind: 'addresses', family: 4, cidr: '10.0.0.0/8' },
        ],
        deny: [{ kind: 'name', pattern: 'evil.example' }],
      },
    })
    assert.deepEqual(readFileSync(join(directory, 'config'), 'utf8').trimEnd().split('\n'), [
      'network net1',
      'network net2',
      'upstream 10.0.0.1',
      'upstream [fd00::1]:53',
      'upstream fd00::2',
      'internal',
      'allow *.example * 443',
      'deny evil.example * *',
    ])
    assert.equal(statSync(join(directory, 'config')).mode & 0o777, 0o644)
  })

  it('refuses more networks than a responder takes, and resolvers that are none', async () => {
    const directory = await scratchDirectory()
    const networks = Array.from({ length: 9 }, (_, i) => `net${i}`)
    assert.throws(() => writeResolverConfig(directory, { ...PLAIN, networks }), /8 networks at most/)
    assert.throws(() => writeResolverConfig(directory, { ...PLAIN, upstreams: ['10.0.0.1\nallow *'] }), NamesInvalid)
  })
})

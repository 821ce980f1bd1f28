import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { type GitSource, parseGitSource } from '../../../src/build/sources/git-url.ts'
import { InvalidArgument } from '../../../src/errors.ts'

const COMMIT = '0123456789abcdef0123456789abcdef01234567'

function parse(text: string): GitSource {
  const source = parseGitSource(text, { github: true })
  assert.ok(source, text)
  return source
}

describe('parseGitSource', () => {
  it('knows the addresses of repositories from those of files and paths', () => {
    const repositories: readonly (readonly [string, string])[] = [
      ['https://example.com/a.git', 'https://example.com/a.git'],
      ['http://example.com:8080/a/b.git#main', 'http://example.com:8080/a/b.git'],
      ['https://user:pass@example.com/a.git?ref=x', 'https://example.com/a.git'],
      ['git://example.com/a', 'git://example.com/a'],
      ['ssh://git@example.com:2222/a', 'ssh://git@example.com:2222/a'],
      ['git@example.com:a/b.git#v1', 'git@example.com:a/b.git'],
      ['deploy-1@host:a', 'deploy-1@host:a'],
      ['github.com/moby/buildkit#master:docs', 'https://github.com/moby/buildkit'],
    ]
    for (const [text, remote] of repositories) assert.equal(parse(text).remote, remote)
    const others = [
      'https://example.com/a.tar.gz',
      'https://github.com/a/b',
      './a.git',
      'a.git',
      'file:///a.git',
      'ext::x',
      '',
    ]
    for (const text of others) assert.equal(parseGitSource(text, { github: true }), undefined, text)
    assert.equal(parseGitSource('github.com/a/b', { github: false }), undefined)
  })

  it('reads reference and directory behind the hash', () => {
    const at = (fragment: string) => {
      const { ref, subdirectory } = parse(`https://h/a.git${fragment}`)
      return [ref, subdirectory]
    }
    assert.deepEqual(at(''), [undefined, ''])
    assert.deepEqual(at('#'), [undefined, ''])
    assert.deepEqual(at('#v1'), ['v1', ''])
    assert.deepEqual(at('#feature/x:a/b/'), ['feature/x', 'a/b'])
    assert.deepEqual(at('#:a'), [undefined, 'a'])
    assert.deepEqual(at('#v1:../../etc'), ['v1', 'etc'])
    assert.deepEqual(at('#v1:/'), ['v1', ''])
  })

  it('reads the query', () => {
    const { ref, ...source } = parse(
      `https://h/a.git?tag=v1&subdir=a/b&commit=${COMMIT.slice(0, 9)}&submodules=false&keep-git-dir&mtime=commit`,
    )
    assert.equal(ref, 'refs/tags/v1')
    assert.deepEqual(source, {
      remote: 'https://h/a.git',
      scheme: 'https',
      host: 'h',
      subdirectory: 'a/b',
      checksum: COMMIT.slice(0, 9),
      keepGitDirectory: true,
      submodules: false,
      commitTimes: true,
      fetchByCommit: false,
    })
    assert.equal(parse('git@h:a.git?branch=x').ref, 'refs/heads/x')
    assert.equal(parse('https://h/a.git?ref=x#x').ref, 'x')
    assert.equal(parse('https://h/a.git?subdir=a#x:a/').subdirectory, 'a')
  })

  it('refuses what contradicts itself or means nothing', () => {
    const wrong: readonly (readonly [string, RegExp])[] = [
      ['?ref=a#b', /ref conflicts: "b" vs "a"/],
      ['?tag=a&branch=a', /branch conflicts with tag/],
      ['?subdir=a#b:c', /subdir conflicts/],
      ['?checksum=abc&commit=abd', /checksum conflicts/],
      ['?ref=', /query "ref" has no value/],
      ['?ref=a&ref=a', /query "ref" has multiple values/],
      ['?x=1', /unexpected query "x"/],
      ['?submodules=maybe', /invalid submodules value/],
      ['?mtime=now', /invalid mtime value/],
      ['?checksum=xyz', /expected hex commit hash/],
      [`?checksum=abc#${COMMIT}`, /expected checksum to match abc/],
      ['?fetch-by-commit&checksum=abc', /requires a full commit SHA/],
      ['#%zz', /invalid URL escape/],
      ['#a:%00', /invalid subdir/],
    ]
    for (const [rest, message] of wrong) assert.throws(() => parse(`https://h/a.git${rest}`), message, rest)
  })

  it('gives git nothing that it could take for an option, a pattern, an expression or a second line', () => {
    for (const ref of [
      '-u',
      '--upload-pack=x',
      'a b',
      'a..b',
      'a^{}',
      'a~1',
      'refs/*',
      'a@{1}',
      'a.lock',
      '/a',
      'a\\b',
      '[a]',
    ])
      assert.throws(() => parse(`https://h/a.git?ref=${encodeURIComponent(ref)}`), InvalidArgument, ref)
    for (const text of [
      'git@-oProxy:a',
      '-o@h:a',
      'git@h:-a',
      'ssh://-oProxyCommand=x/a',
      'ssh://-x@h/a',
      'git://h/a\nb',
      'git://h/a b',
    ])
      assert.throws(() => parse(text), InvalidArgument, text)
  })

  it('answers for any text, or refuses it in a line', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'https://',
        'git://',
        'ssh://',
        'git@',
        'h:',
        '.git',
        '#',
        '?',
        'ref=',
        '&',
        ':',
        '-',
        '/',
        '..',
        '%',
      ),
      fc.string({ maxLength: 6 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        let source: GitSource | undefined
        try {
          source = parseGitSource(pieces.join(''), { github: true })
        } catch (error) {
          assert.ok(error instanceof InvalidArgument, String(error))
          return
        }
        if (source === undefined) return
        const { remote, ref = '', host, subdirectory } = source
        for (const word of [remote, ref, host, subdirectory]) assert.doesNotMatch(word, /\p{Cc}/u)
        for (const word of [remote, ref, host]) assert.doesNotMatch(word, /^-|\s/)
        assert.doesNotMatch(`/${subdirectory}/`, /\/\.\.?\//)
      }),
    )
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { DockerfileInvalid } from '../../../src/build/dockerfile/errors.ts'
import { expandHeredoc, expandWord, expandWords } from '../../../src/build/dockerfile/expand.ts'
import { refusal } from '../../support/dockerfiles.ts'

const VALUES: Readonly<Record<string, string>> = {
  x: 'val',
  empty: '',
  path: '/usr/local/lib.so.1.2',
  two: 'one  two',
  pattern: '*.',
  über: 'ü',
}
const lookup = (name: string) => (Object.hasOwn(VALUES, name) ? VALUES[name] : undefined)
const expand = (word: string) => expandWord(word, { lookup, escape: '\\' })

describe('quotes and escapes', () => {
  for (const [word, expected] of [
    ['plain', 'plain'],
    [`a'$x'b`, 'a$xb'],
    [`"a'$x'"`, "a'val'"],
    [`'a\\b'`, 'a\\b'],
    [`"a\\b"`, 'a\\b'],
    [`"a\\"b"`, 'a"b'],
    [`"a\\\\b"`, 'a\\b'],
    [`"\\$x"`, '$x'],
    ['a\\b', 'ab'],
    ['a\\ b', 'a b'],
    ['a\\\\b', 'a\\b'],
    ['\\$x', '$x'],
    ['a\\', 'a'],
    ['\\😀', '😀'],
    [`''`, ''],
  ] as const)
    it(`turn ${word} into ${JSON.stringify(expected)}`, () => {
      assert.equal(expand(word), expected)
    })

  it('obey the escape character of the file', () => {
    const backtick = (word: string) => expandWord(word, { lookup, escape: '`' })
    assert.equal(backtick('c:\\$x`$x"`""'), 'c:\\val$x"')
  })

  for (const word of [`'a`, '"a', `"a\\"`, '"${x"'])
    it(`must be closed: ${word}`, () => {
      assert.throws(() => expand(word), DockerfileInvalid)
    })
})

describe('variables', () => {
  for (const [word, expected] of [
    ['$x', 'val'],
    ['${x}', 'val'],
    ['$x.$x', 'val.val'],
    ['$xy', ''],
    ['${x}y', 'valy'],
    ['$über', 'ü'],
    ['a$', 'a$'],
    ['a$.', 'a$.'],
    ['a$1b', 'ab'],
    ['$12x', 'x'],
    ['$@$*$#$?$-$$$!.', '.'],
    ['${x:-d}', 'val'],
    ['${empty:-d}', 'd'],
    ['${empty-d}', ''],
    ['${no-d}', 'd'],
    ['${no:-}', ''],
    ['${x:+a}', 'a'],
    ['${empty:+a}', ''],
    ['${empty+a}', 'a'],
    ['${no+a}', ''],
    ['${x:?e}', 'val'],
    ['${empty?e}', ''],
    ['${no:-$x}', 'val'],
    ['${no:-${nope:-${x}}!}', 'val!'],
    [`\${no:-'}'}`, '}'],
    ['${no:-\\}}', '}'],
    ['${no:-a b}', 'a b'],
    ['${path#/}', 'usr/local/lib.so.1.2'],
    ['${path#*/}', 'usr/local/lib.so.1.2'],
    ['${path##*/}', 'lib.so.1.2'],
    ['${path%.*}', '/usr/local/lib.so.1'],
    ['${path%%.*}', '/usr/local/lib'],
    ['${path%$pattern}', '/usr/local/lib.so.1.2'],
    ['${path%%${pattern}?}', ''],
    ['${path#no}', '/usr/local/lib.so.1.2'],
    ['${path#}', '/usr/local/lib.so.1.2'],
    ['${path/l/L}', '/usr/Local/lib.so.1.2'],
    ['${path//l/L}', '/usr/LocaL/Lib.so.1.2'],
    ['${path//\\//:}', ':usr:local:lib.so.1.2'],
    ['${path/l*l/X}', '/usr/Xib.so.1.2'],
    ['${path/./}', '/usr/local/libso.1.2'],
    ['${path/?u/}', 'sr/local/lib.so.1.2'],
    ['${x//?/-}', '---'],
    ['${x//*/-}', '-'],
    ['${x//""/-}', '-v-a-l-'],
    ['${empty/*/-}', '-'],
    ['${no/a/b}', ''],
    ['${no#a}', ''],
    ['${x#\\v}', undefined],
  ] as const)
    it(`make ${word} ${expected === undefined ? 'an error' : JSON.stringify(expected)}`, () => {
      if (expected === undefined) assert.throws(() => expand(word), DockerfileInvalid)
      else assert.equal(expand(word), expected)
    })

  for (const [word, problem] of [
    ['${no:?say what}', 'no: say what'],
    ['${no?}', 'no: is not allowed to be unset'],
    ['${empty:?}', 'empty: is not allowed to be empty'],
    ['${', "syntax error: missing '}'"],
    ['${x', "syntax error: missing '}'"],
    ['${x:', "syntax error: missing '}'"],
    ['${x:-a', "syntax error: missing '}'"],
    ['${x/a', "syntax error: missing '/'"],
    ['${x/a/b', "syntax error: missing '}'"],
    ['${}', 'syntax error: bad substitution'],
    ['${{x}}', 'syntax error: bad substitution'],
    ['${:x}', 'syntax error: bad substitution'],
    ['${x:#p}', 'unsupported modifier (:#) in substitution'],
    ['${x^^}', 'unsupported modifier (^) in substitution'],
    ['${x=y}', 'unsupported modifier (=) in substitution'],
    ['${.}', 'unsupported modifier (.) in substitution'],
    ['${x:}', 'unsupported modifier (:}) in substitution'],
    ['${x#\\a}', "invalid pattern (\\a) in substitution: invalid escape '\\a'"],
    [`\${no:-`.repeat(200), 'variables are nested too deeply'],
  ] as const)
    it(`refuse ${word.slice(0, 40)}: ${problem}`, () => {
      assert.equal(refusal(() => expand(word)).problem, problem)
    })

  it('grow to no end', () => {
    const value = 'x'.repeat(300_000)
    const error = refusal(() => expandWord('$v$v$v$v', { lookup: () => value, escape: '\\' }))
    assert.equal(error.problem, 'a value grows larger than 1024 Ki characters')
  })

  it('are quick with patterns that go wrong in many ways', () => {
    const value = 'a'.repeat(2000)
    const word = `\${v//${'*a'.repeat(60)}b/}`
    assert.equal(expandWord(word, { lookup: () => value, escape: '\\' }), value)
    const long = 'a'.repeat(100_000)
    assert.match(refusal(() => expandWord(`\${v#${long}}`, { lookup: () => long, escape: '\\' })).problem, /too long/)
  })
})

describe('words behind variables', () => {
  for (const [word, expected] of [
    ['80', ['80']],
    ['$two', ['one', 'two']],
    ['"$two"', ['one  two']],
    ['a$two.b', ['aone', 'two.b']],
    ['$empty', []],
    ['a\\ b c', ['a b', 'c']],
    [' ', []],
  ] as const)
    it(`are ${JSON.stringify(expected)} for ${JSON.stringify(word)}`, () => {
      assert.deepEqual(expandWords(word, { lookup, escape: '\\' }), expected)
    })
})

describe('the body of a heredoc', () => {
  it('has variables, and quotes that are text', () => {
    assert.equal(expandHeredoc(`a "$x" '\${x}'\n\\$x \\\\\n`, lookup), `a "val" 'val'\n$x \\\n`)
  })
})

describe('any word', () => {
  const word = fc.string({ unit: fc.constantFrom(...`ax$\{}:-+?#%/*\\"' .1`), maxLength: 40 })

  it('expands to text or is refused, never anything else', () => {
    fc.assert(
      fc.property(word, (text) => {
        try {
          assert.equal(typeof expand(text), 'string')
        } catch (error) {
          assert(error instanceof DockerfileInvalid, String(error))
        }
      }),
      { numRuns: 5000 },
    )
  })

  it('stays what it is when nothing in it means anything', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const plain = text.replace(/[$"'\\]/g, '')
        assert.equal(expand(plain), plain)
      }),
    )
  })

  it('comes back from single quotes as it was', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        assert.equal(expand(`'${text.replaceAll("'", `'"'"'`)}'`), text)
      }),
    )
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { assignArguments, type FlagShape, parseCommandLine } from '../../src/ui/command-line.ts'
import { UsageError } from '../../src/ui/errors.ts'

const flags: Record<string, FlagShape> = {
  interactive: { type: 'boolean', char: 'i' },
  tty: { type: 'boolean', char: 't' },
  rm: { type: 'boolean' },
  'sig-proxy': { type: 'boolean', allowNo: true, default: true },
  memory: { type: 'option', char: 'm' },
  env: { type: 'option', char: 'e', multiple: true },
  network: { type: 'option', aliases: ['net'] },
  progress: { type: 'option', options: ['plain', 'fancy'] },
  quiet: { type: 'boolean', exclusive: ['progress', 'tty'] },
}
const parse = (...words: string[]) => parseCommandLine(words, { flags, stopAtFirstArgument: false })
const failure = (...words: string[]): UsageError => {
  try {
    parse(...words)
  } catch (error) {
    assert(error instanceof UsageError)
    return error
  }
  return assert.fail('it was accepted')
}

describe('parseCommandLine', () => {
  it('refuses flags that do not go together, in whatever order they are typed', () => {
    assert.match(failure('-t', '--quiet').message, /conflicting options: --quiet and --tty/)
    assert.match(failure('--quiet', '--progress', 'plain').message, /conflicting options: --quiet and --progress/)
    assert.equal(parse('--quiet', '-i').flags['quiet'], true)
  })

  it('takes short flags together, with or without a value at their end', () => {
    assert.deepEqual(parse('-it').flags, { interactive: true, tty: true, 'sig-proxy': true })
    for (const words of [['-itm64m'], ['-itm', '64m'], ['-it', '-m=64m']]) {
      assert.deepEqual(parse(...words).flags, { interactive: true, tty: true, memory: '64m', 'sig-proxy': true })
    }
  })

  it('takes values behind an equals sign or as the next word, even when that looks like a flag', () => {
    assert.equal(parse('--memory=1=2').flags['memory'], '1=2')
    assert.equal(parse('--memory', '-1').flags['memory'], '-1')
    assert.equal(parse('--memory=').flags['memory'], '')
  })

  it('collects flags that may be given more than once, in their order', () => {
    assert.deepEqual(parse('-e', 'A=1', '--env', 'B=2', '-eC=3').flags['env'], ['A=1', 'B=2', 'C=3'])
  })

  it('lets the last of several values win', () => {
    assert.equal(parse('-m', '1', '-m', '2').flags['memory'], '2')
  })

  it('takes booleans with a value, and without one never the next word', () => {
    assert.equal(parse('--rm=false').flags['rm'], false)
    assert.equal(parse('-i=0').flags['interactive'], false)
    assert.equal(parse('--sig-proxy=false').flags['sig-proxy'], false)
    assert.equal(parse('--no-sig-proxy').flags['sig-proxy'], false)
    assert.deepEqual(parse('--rm', 'false').positional, ['false'])
  })

  it('knows other names of a flag', () => {
    assert.equal(parse('--net', 'host').flags['network'], 'host')
  })

  it('leaves everything behind the first argument alone where a command asks for that', () => {
    const words = ['-i', 'image', 'sh', '-c', '--rm', '--', '--help']
    const line = parseCommandLine(words, { flags, stopAtFirstArgument: true })
    assert.deepEqual(line.positional, words.slice(1))
    assert.deepEqual(line.flags, { interactive: true, 'sig-proxy': true })
    assert.equal(line.helpWanted, false)
  })

  it('takes words behind -- as they are, and a lone dash as an argument', () => {
    assert.deepEqual(parse('-', '--', '--rm').positional, ['-', '--rm'])
  })

  it('asks for help by --help, and by -h where no flag is called so', () => {
    assert(parse('--help').helpWanted)
    assert(parse('-h').helpWanted)
  })

  it('refuses what it does not know in docker’s words, with status 125', () => {
    assert.equal(failure('--foo=1').message, 'unknown flag: --foo')
    assert.equal(failure('-iZ').message, "unknown shorthand flag: 'Z' in -iZ")
    assert.equal(failure('--memory').message, 'flag needs an argument: --memory')
    assert.equal(failure('-itm').message, "flag needs an argument: 'm' in -itm")
    assert.equal(
      failure('-i=x').message,
      'invalid argument "x" for "-i, --interactive" flag: strconv.ParseBool: parsing "x": invalid syntax',
    )
    assert.match(failure('--progress', 'none').message, /must be one of: plain, fancy/)
    assert.equal(failure('--foo').exitCode, 125)
  })

  it('gives every word its meaning or refuses the line, whatever is typed', () => {
    const word = fc.oneof(fc.string(), fc.constantFrom('-it', '--rm', '-m', '--env', 'x', '--', '-e=', '__proto__'))
    fc.assert(
      fc.property(fc.array(word), fc.boolean(), (words, stopAtFirstArgument) => {
        try {
          const line = parseCommandLine(words, { flags, stopAtFirstArgument })
          assert(line.positional.every((each) => words.includes(each)))
          assert(Object.keys(line.flags).every((name) => name in flags))
        } catch (error) {
          assert(error instanceof UsageError)
        }
      }),
    )
  })
})

describe('a flag that needs no value', () => {
  const flags: Record<string, FlagShape> = {
    read: { type: 'option', multiple: true, bare: { value: '' } },
    net: { type: 'option', multiple: true, bare: { value: '', before: /^[-./]/ } },
    detach: { type: 'boolean', char: 'd' },
  }
  const read = (...words: string[]) => {
    const line = parseCommandLine(words, { flags, stopAtFirstArgument: true })
    return [line.flags['read'] ?? line.flags['net'], ...line.positional]
  }

  it('takes one behind an equals sign only', () => {
    assert.deepEqual(read('--read', 'image'), [[''], 'image'])
    assert.deepEqual(read('--read=/data', '--read', 'image'), [['/data', ''], 'image'])
  })

  it('may take the next word, but none that is something else', () => {
    assert.deepEqual(read('--net', 'host:1', 'image'), [['host:1'], 'image'])
    assert.deepEqual(read('--net', '-d', 'image'), [[''], 'image'])
    assert.deepEqual(read('--net', './app.wasm'), [[''], './app.wasm'])
    assert.deepEqual(read('--net'), [['']])
  })
})

describe('assignArguments', () => {
  const tag = { source: { required: true }, target: { required: true } }
  const refusal = (words: string[], shapes: Parameters<typeof assignArguments>[1]) => {
    let message = ''
    assert.throws(
      () => assignArguments(words, shapes, { command: 'tag', strict: true }),
      (error: UsageError) => {
        message = error.message
        return error.exitCode === 1
      },
    )
    return message
  }

  it('gives the words to the arguments in order', () => {
    assert.deepEqual(assignArguments(['a', 'b'], tag, { command: 'tag', strict: true }), { source: 'a', target: 'b' })
  })

  it('gives what is left over to the one that takes several', () => {
    const shapes = { sources: { required: true, multiple: true }, target: { required: true } }
    const args = assignArguments(['a', 'b', 'c'], shapes, { command: 'cp', strict: true })
    assert.deepEqual(args, { sources: ['a', 'b'], target: 'c' })
  })

  it('counts in docker’s words', () => {
    assert.equal(refusal(['a'], tag), "coracle: 'tag' requires 2 arguments")
    assert.equal(refusal(['a', 'b'], { name: {} }), "coracle: 'tag' requires at most 1 argument")
    assert.equal(refusal([], { name: { required: true } }), "coracle: 'tag' requires 1 argument")
    assert.equal(
      refusal([], { name: { required: true, multiple: true } }),
      "coracle: 'tag' requires at least 1 argument",
    )
    assert.equal(refusal(['a'], {}), "coracle: 'tag' accepts no arguments")
  })
})

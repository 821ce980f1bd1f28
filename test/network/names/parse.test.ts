import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { NetRuleInvalid } from '../../../src/network/names/errors.ts'
import { parseNetRule, parseNetRules } from '../../../src/network/names/parse.ts'
import type { NetRule } from '../../../src/network/names/types.ts'

const name = (pattern: string, more: object = {}) => ({ kind: 'name', pattern, ...more })
const addresses = (cidr: string, more: object = {}) => ({
  kind: 'addresses',
  family: cidr.includes(':') ? 6 : 4,
  cidr,
  ...more,
})

describe('parseNetRule', () => {
  const GOOD = {
    'registry.example': name('registry.example'),
    'Registry.Example.:443': name('registry.example', { port: 443 }),
    '*.debian.org:80': name('*.debian.org', { port: 80 }),
    'localhost:80/tcp': name('localhost', { port: 80, protocol: 'tcp' }),
    '_dns.example:53/udp': name('_dns.example', { port: 53, protocol: 'udp' }),
    '*': name('*'),
    '*:443': name('*', { port: 443 }),
    '10.0.0.0/8': addresses('10.0.0.0/8'),
    '10.0.0.0/8:443': addresses('10.0.0.0/8', { port: 443 }),
    '10.0.0.0/8:53/udp': addresses('10.0.0.0/8', { port: 53, protocol: 'udp' }),
    '192.0.2.1': addresses('192.0.2.1/32'),
    '192.0.2.1:1': addresses('192.0.2.1/32', { port: 1 }),
    '[::1]:443': addresses('::1/128', { port: 443 }),
    '[FD00::/8]:65535/tcp': addresses('fd00::/8', { port: 65_535, protocol: 'tcp' }),
    '[fd00::1]': addresses('fd00::1/128'),
    'fd00::1': addresses('fd00::1/128'),
    'fd00::/8': addresses('fd00::/8'),
  }
  for (const [text, rule] of Object.entries(GOOD)) {
    it(`takes ${text}`, () => {
      assert.deepEqual(parseNetRule(text), rule)
    })
  }

  const BAD = {
    '': /neither/,
    ':443': /neither/,
    'a.example:': /no port/,
    'a.example:0': /no port/,
    'a.example:65536': /no port/,
    'a.example:http': /no port/,
    'a.example/tcp': /needs a port/,
    'a.example:443/sctp': /no port/,
    'a..example': /no name/,
    '-a.example': /no name/,
    'a b.example': /no name/,
    'a\n.example': /no name/,
    '*.': /no name/,
    'a.*.example': /no name/,
    '*.*.example': /no name/,
    '1.2.3': /no address/,
    '300.1.1.1': /no address/,
    '10.0.0.0/33': /at most/,
    '[fd00::1': /neither/,
    '[fd00::1]443': /neither/,
    '[10.0.0.1': /neither/,
    'http://a.example': /no port/,
    'fd00:::1': /no address/,
  }
  for (const [text, reason] of Object.entries(BAD)) {
    it(`refuses ${JSON.stringify(text)} in one line`, () => {
      assert.throws(
        () => parseNetRule(text),
        (error) => error instanceof NetRuleInvalid && reason.test(error.message) && !error.message.includes('\n'),
      )
    })
  }

  it('gives nothing that could say more to nft or to a responder than it should', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), near), (text) => {
        const rule = parsed(text)
        if (rule?.kind === 'name') assert.match(rule.pattern, /^[a-z0-9_.*-]{1,253}$/)
        if (rule?.kind === 'addresses') assert.match(rule.cidr, /^[0-9a-f:.]+\/\d{1,3}$/)
        if (rule?.port !== undefined) assert(Number.isInteger(rule.port) && rule.port > 0 && rule.port < 65_536)
      }),
      { numRuns: 3000 },
    )
  })

  it('takes back what it has given', () => {
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...Object.keys(GOOD)), near), (text) => {
        const rule = parsed(text)
        if (rule !== undefined) assert.deepEqual(parseNetRule(format(rule)), rule)
      }),
    )
  })

  it('takes several with commas between them', () => {
    assert.deepEqual(parseNetRules('a.example:443,10.0.0.0/8'), [
      name('a.example', { port: 443 }),
      addresses('10.0.0.0/8'),
    ])
    assert.throws(() => parseNetRules('a.example,,b.example'), NetRuleInvalid)
  })
})

const near = fc
  .array(
    fc.constantFrom(
      'a',
      '*',
      '.',
      ':',
      '/',
      '[',
      ']',
      '1',
      '10.0.0.0',
      'fd00::1',
      '8',
      '443',
      'tcp',
      '-',
      ' ',
      '\n',
      ';',
      '}',
    ),
  )
  .map((parts) => parts.join(''))

function parsed(text: string): NetRule | undefined {
  try {
    return parseNetRule(text)
  } catch (error) {
    assert(error instanceof NetRuleInvalid)
    return undefined
  }
}

function format(rule: NetRule): string {
  const host = rule.kind === 'name' ? rule.pattern : `[${rule.cidr}]`
  const port = rule.port === undefined ? '' : `:${rule.port}`
  return `${host}${port}${rule.protocol === undefined ? '' : `/${rule.protocol}`}`
}

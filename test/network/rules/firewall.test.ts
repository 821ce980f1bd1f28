import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { hasRules, inputChains } from '../../../src/network/rules/firewall.ts'

const LISTING = `table ip filter {
\tchain INPUT {
\t\ttype filter hook input priority filter; policy drop;
\t}
\tchain FORWARD {
\t\ttype filter hook forward priority filter; policy drop;
\t}
\tchain ufw-user-input {
\t}
}
table inet fw {
\tchain in {
\t\ttype filter hook input priority 10; policy accept;
\t}
}
table inet coracle-0123456789ab {
\tchain asked {
\t\ttype filter hook input priority 1000; policy accept;
\t}
}
table bridge other {
\tchain in {
\t\ttype filter hook input priority filter; policy drop;
\t}
}
table ip nat {
\tchain INPUT {
\t\ttype nat hook input priority 100; policy accept;
\t}
}
`

describe('inputChains', () => {
  it('finds those of others that filter what comes in by IP', () => {
    assert.deepEqual(inputChains(LISTING), [
      { family: 'ip', table: 'filter', name: 'INPUT', closed: true },
      { family: 'inet', table: 'fw', name: 'in', closed: false },
    ])
    assert.deepEqual(inputChains(''), [])
  })

  it('reads whatever nft may say without a failure', () => {
    fc.assert(fc.property(fc.string(), (text) => inputChains(`${LISTING}${text}`).length >= 2))
  })
})

describe('hasRules', () => {
  const listing = (...lines: string[]) =>
    [
      'table inet fw {',
      '\tchain in {',
      '\t\ttype filter hook input priority 10; policy accept;',
      ...lines,
      '\t}',
      '}',
      '',
    ].join('\n')

  it('counts rules and nothing else', () => {
    assert.ok(!hasRules(listing()))
    assert.ok(!hasRules(listing('\t\tcomment "mine"')))
    assert.ok(hasRules(listing('\t\ttcp dport 22 accept')))
    assert.ok(!hasRules(''))
  })
})

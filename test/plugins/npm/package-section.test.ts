import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, it } from 'mocha'
import { CoracleError } from '../../../src/errors.ts'
import { readPackageSection } from '../../../src/plugins/npm/package-section.ts'
import { scratchDirectory } from '../../support/scratch.ts'

describe('readPackageSection', () => {
  let root = ''
  beforeEach(async () => {
    root = await scratchDirectory()
    writeFileSync(join(root, 'backend.js'), '')
  })

  const read = (document: unknown) => {
    writeFileSync(join(root, 'package.json'), JSON.stringify(document))
    return readPackageSection(root)
  }
  const withSection = (coracle: unknown) => read({ name: 'coracle-plugin-x', version: '1.0.0', coracle })

  it('reads what a package brings', () => {
    const { contract, extensions } = withSection({ contract: '^1.1.0', backends: { cell: './backend.js' } })
    assert.equal(contract, '^1.1.0')
    assert.deepEqual(extensions.backends, { cell: './backend.js' })
    assert.deepEqual(extensions.logDrivers, {})
  })

  it('takes a package with commands alone, which states nothing', () => {
    const { contract, summary } = read({ name: '@scope/tools', version: '1.0.0', description: 'Tools\u001b[2J\nmore' })
    assert.deepEqual([contract, summary], [undefined, 'Tools[2J'])
  })

  it('refuses files outside of the package, by .. or by a link', () => {
    mkdirSync(join(root, 'inside'))
    symlinkSync('/etc/passwd', join(root, 'inside/link.js'))
    for (const file of ['../../etc/passwd', 'inside/link.js'])
      assert.throws(
        () => withSection({ contract: '1', backends: { cell: file } }),
        /leads out of the package|not there/,
      )
    assert.throws(() => withSection({ contract: '1', backends: { cell: 'inside' } }), /which is no file/)
  })

  it('refuses names that are ours, or none', () => {
    for (const [kind, name] of [
      ['backends', 'linux'],
      ['backends', 'runc'],
      ['logDrivers', 'json-file'],
      ['volumeDrivers', 'local'],
      ['networkDrivers', 'bridge'],
    ] as const)
      assert.throws(() => withSection({ contract: '1', [kind]: { [name]: 'backend.js' } }), /of its own/)
    for (const name of ['', '../x', 'a b', 'X', '-x', 'a\u001b'])
      assert.throws(() => withSection({ contract: '1', backends: { [name]: 'backend.js' } }), /is no name/)
  })

  it('refuses extensions without a contract, and names that npm does not know', () => {
    assert.throws(() => withSection({ backends: { cell: 'backend.js' } }), /states no contract/)
    for (const name of ['', '../x', 'a/b', '@a', 7]) assert.throws(() => read({ name }), CoracleError)
  })

  it('reads or refuses whatever a package says, and never fails otherwise', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (section, more) => {
        try {
          read({ name: 'x', version: '1.0.0', description: more, coracle: section })
        } catch (error) {
          assert(error instanceof CoracleError, String(error))
        }
      }),
    )
  })
})

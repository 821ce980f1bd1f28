import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { formatFindings } from '../../src/ui/findings.ts'
import { openStatusLine } from '../../src/ui/status-line.ts'

const checked = { blobs: 3, snapshots: 1, images: 1, containers: 0, files: 84 }

describe('what system check says', () => {
  it('is one line when all is well', () => {
    assert.deepEqual(formatFindings({ checked, findings: [] }), [
      'Checked 1 image, 3 blobs, 1 snapshot (84 files), 0 containers: all is well',
    ])
  })

  it('is a line for each finding, what is left, and how to mend it', () => {
    const finding = { kind: 'orphaned-files', subject: '/x', problem: 'nobody has it', repair: 'removed' }
    const [first, second, sum, cure] = formatFindings({
      checked,
      findings: [
        { ...finding, repaired: true },
        { ...finding, subject: '/y', repaired: false },
      ],
    })
    assert.equal(first, 'orphaned-files: /x: nobody has it [removed]')
    assert.equal(second, 'orphaned-files: /y: nobody has it [repair: removed]')
    assert.match(sum ?? '', /: 1 mended, 1 problem left$/)
    assert.equal(cure, 'To mend: coracle system check --repair')
  })
})

describe('a status line', () => {
  it('is drawn at a terminal and taken away again, and not elsewhere', () => {
    for (const isTTY of [true, false]) {
      let text = ''
      const line = openStatusLine({ isTTY, write: (more: string) => (text += more) })
      line.show('Checking blobs', 0, 3)
      line.close()
      line.close()
      assert.equal(text, isTTY ? '\r\u001b[2KChecking blobs: 1/3\r\u001b[2K' : '')
    }
  })
})

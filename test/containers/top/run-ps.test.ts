import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { readProcesses } from '../../../src/containers/top/read-processes.ts'
import { keepLines, runPs } from '../../../src/containers/top/run-ps.ts'

const OUTPUT = `UID          PID    PPID  C STIME TTY          TIME CMD
root           1       0  0 10:00 ?        00:00:00 /sbin/init
root          42       1  0 10:01 pts/0    00:00:01 sh -c  sleep 9;  42
`

describe('keepLines', () => {
  it('keeps the lines of the container, with the command whole', () => {
    const { titles, processes } = keepLines(OUTPUT, new Set([42]))
    assert.deepEqual(titles, ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'])
    assert.deepEqual(processes, [['root', '42', '1', '0', '10:01', 'pts/0', '00:00:01', 'sh -c sleep 9; 42']])
  })

  it('needs a column of pids', () => {
    assert.throws(() => keepLines('CMD\nsh\n', new Set([1])), /Couldn't find PID field/)
  })
})

describe('runPs', () => {
  const own = new Set([process.pid])

  it('takes options of ps', async () => {
    const table = await runPs(['-o', 'pid,args', '-e'], own)
    assert.deepEqual(table?.titles, ['PID', 'COMMAND'])
    assert.equal(table?.processes.length, 1)
  })

  it('shows processes of whatever user', async () => {
    const others = new Set([process.pid, 1])
    const { processes } = (await runPs(['-o', 'pid'], others)) ?? { processes: [] }
    assert.deepEqual(
      processes
        .flat()
        .map(Number)
        .sort((a, b) => a - b),
      [1, process.pid],
    )
  })

  it('refuses another column that calls itself PID', async () => {
    await assert.rejects(runPs(['-e', '-o', 'comm=PID'], own), /specifying "comm=PID" is not allowed/)
  })

  it('passes on what ps says of options that it does not know', async () => {
    await assert.rejects(runPs(['--no-such-option'], own), { code: 'PS_FAILED' })
  })

  it('says that ps is missing only where it is needed', async () => {
    const path = process.env['PATH']
    process.env['PATH'] = '/nowhere'
    try {
      await assert.rejects(runPs(['aux'], own), { code: 'PS_MISSING' })
      assert.equal(await runPs([], own), undefined)
    } finally {
      process.env['PATH'] = path
    }
  })
})

describe('readProcesses', () => {
  it('says of this process what ps says', async () => {
    const [shown] = (await runPs([], new Set([process.pid])))?.processes ?? []
    const [read] = readProcesses(new Set([process.pid])).processes
    const stable = (row: readonly string[] = []) => [row[0], row[1], row[2], row[5]]
    assert.deepEqual(stable(read), stable(shown))
    assert.match(read?.[6] ?? '', /^\d\d:\d\d:\d\d$/)
  })

  it('leaves out what has ended', () => {
    assert.deepEqual(readProcesses(new Set([2 ** 22 + 1])).processes, [])
  })
})

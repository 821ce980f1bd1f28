import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { linkSync, mkdirSync, openSync, symlinkSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, it } from 'mocha'
import { byteString } from '../../src/linux/apply.ts'
import { readTree, statInside, sumTree } from '../../src/linux/archive.ts'
import { AnswerReader } from '../../src/linux/archive-answers.ts'
import { ApplyFailed } from '../../src/linux/errors.ts'
import { StepWriter, stringBytes } from '../../src/linux/step-writer.ts'
import { describeNative, type Native } from '../support/native.ts'
import { scratchDirectory } from '../support/scratch.ts'
import { recordTree, type TreeRecorder } from '../support/tree-recorder.ts'

describeNative('the archive job', (native: () => Native) => {
  let root = ''
  let outside = ''
  const path = (name: string) => join(root, name)
  const read = async (name: string, follow = false): Promise<TreeRecorder> => {
    const sink = recordTree()
    await readTree(root, byteString(name), { follow, sink, native: native() })
    return sink
  }
  beforeEach(async () => {
    const scratch = await scratchDirectory()
    root = join(scratch, 'root')
    outside = join(scratch, 'outside')
    mkdirSync(root)
    mkdirSync(outside)
    writeFileSync(join(outside, 'secret'), 'the host')
  })

  it('sums up all that a walk is told, and sees every change of it', async () => {
    mkdirSync(path('d'))
    for (let file = 0; file < 300; file += 1) writeFileSync(path(`d/${file}`), '')
    linkSync(path('d/0'), path('d/linked'))
    const sum = () => sumTree(root, 'd', { follow: false, native: native() })
    const told = createHash('blake2b512')
    const onBytes = (bytes: Buffer) => void told.update(bytes)
    await readTree(root, 'd', { follow: false, content: false, sink: recordTree(), native: native(), onBytes })
    const first = await sum()
    assert.equal(first, told.digest('hex').slice(0, 64))
    assert.equal(await sum(), first)
    const seen = new Set([first])
    for (const [program, ...words] of [
      ['chmod', '600', path('d/7')],
      ['chown', '7:8', path('d/7')],
      ['touch', '-d', '2001-02-03', path('d/7')],
      ['setfattr', '-n', 'user.a', '-v', 'b', path('d/7')],
      ['mv', path('d/7'), path('d/seven')],
      ['ln', '-sfn', 'nowhere', path('d/seven')],
      ['rm', path('d/linked')],
    ] as const) {
      execFileSync(program, words)
      seen.add(await sum())
    }
    assert.equal(seen.size, 8)
    await assert.rejects(sumTree(root, 'missing', { follow: false, native: native() }), ApplyFailed)
  })

  it('tells names in order, parents first, with type, owner, times and content', async () => {
    mkdirSync(path('d'))
    writeFileSync(path('d/b'), 'B', { mode: 0o640 })
    writeFileSync(path('d/a'), '')
    symlinkSync('b', path('d/l'))
    execFileSync('chown', ['7:8', path('d/b')])
    execFileSync('touch', ['-d', '2001-02-03T04:05:06.789Z', path('d/b')])

    const sink = await read('d')

    assert.deepEqual(
      sink.entries.map((entry) => entry.path),
      ['', 'a', 'b', 'l'],
    )
    const { mode, uid, gid, mtimeSeconds, mtimeNanoseconds, sizeBytes } = sink.find('b')
    assert.deepEqual({ mode, uid, gid, sizeBytes }, { mode: 0o100640, uid: 7, gid: 8, sizeBytes: 1 })
    assert.deepEqual([mtimeSeconds, mtimeNanoseconds], [Date.parse('2001-02-03T04:05:06Z') / 1000, 789_000_000])
    assert.equal(sink.find('l').target, 'b')
    assert.deepEqual(
      [...sink.contents],
      [
        ['a', ''],
        ['b', 'B'],
      ],
    )
  })

  it('tells a file with several names once, and the others as links to it', async () => {
    writeFileSync(path('a'), 'same')
    linkSync(path('a'), path('b'))
    const sink = await read('.')
    assert.equal(sink.find('b').hardLink, 'a')
    assert.deepEqual([...sink.contents.keys()], ['a'])
  })

  it('opens no pipe, no socket and no device, and leaves sockets out', async () => {
    execFileSync('mkfifo', [path('fifo')])
    execFileSync('mknod', [path('null'), 'c', '1', '3'])
    const server = spawn(process.execPath, [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(path('s'))}, () => console.log())`,
    ])
    await once(server.stdout, 'data')
    const sink = await read('.')
    server.kill()
    await once(server, 'exit')
    assert.deepEqual(
      sink.entries.map((entry) => entry.path),
      ['', 'fifo', 'null'],
    )
    assert.deepEqual([sink.find('null').major, sink.find('null').minor], [1, 3])
    assert.equal(sink.contents.size, 0)
  })

  it('reads only the data of a sparse file, however large it says it is', async () => {
    const file = openSync(path('huge'), 'w')
    writeSync(file, 'end', 1 << 30)
    truncateSync(path('huge'), 2 ** 42)
    const sink = await read('huge')
    const { sizeBytes, extents } = sink.find('')
    assert.equal(sizeBytes, 2 ** 42)
    assert.equal(extents?.length, 1)
    assert((sink.contents.get('')?.length ?? 0) <= 65_536)
  })

  it('carries attributes of users and file capabilities, none of overlayfs', async () => {
    writeFileSync(path('f'), '')
    for (const [name, value] of [
      ['user.note', 'hello'],
      ['user.overlay.opaque', 'y'],
      ['trusted.x', 'y'],
    ] as const)
      execFileSync('setfattr', ['-n', name, '-v', value, path('f')])
    execFileSync('setcap', ['cap_net_raw=ep', path('f')])
    const { xattrs } = (await read('f')).find('')
    assert.deepEqual([...xattrs.keys()].toSorted(), ['security.capability', 'user.note'])
    assert.equal(xattrs.get('user.note')?.toString(), 'hello')
  })

  it('takes names that are no text', async () => {
    const name = Buffer.from([0x61, 0xff, 0xfe])
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), name]), 'odd')
    const sink = await read('.')
    assert.equal(sink.contents.get(name.toString('latin1')), 'odd')
  })

  it('follows a link only as told, and never out of the root', async () => {
    symlinkSync(outside, path('away'))
    symlinkSync('../../../../../../..', path('up'))
    mkdirSync(path('in'))
    writeFileSync(path('in/f'), 'inside')
    symlinkSync('/in', path('absolute'))
    assert.equal((await read('away')).find('').target, outside)
    assert.deepEqual([...(await read('absolute', true)).contents], [['f', 'inside']])
    const up = await read('up/in', true)
    assert.deepEqual([...up.contents], [['f', 'inside']])
    await assert.rejects(read('away/secret', true), ApplyFailed)
    assert.equal(await statInside(root, 'away/secret', { follow: true, native: native() }), undefined)
  })

  it('never shows what is outside while directories and links change places', async () => {
    mkdirSync(path('d'))
    writeFileSync(path('d/secret'), 'inside')
    const swap = `while :; do mv d e; ln -s ${outside} d; rm d; mv e d; done`
    const racer = spawn('sh', ['-c', swap], { cwd: root, stdio: 'ignore' })
    try {
      for (let round = 0; round < 60; round += 1) {
        const sink = await read(round % 2 === 0 ? '.' : 'd', true).catch((error: unknown) => {
          assert(error instanceof ApplyFailed) // it was not there just then
          return recordTree()
        })
        for (const content of sink.contents.values()) assert.equal(content, 'inside')
      }
    } finally {
      racer.kill('SIGKILL')
      await once(racer, 'exit')
    }
  })

  it('shows /proc as a directory, nothing of what is in it', async () => {
    const sink = recordTree()
    await readTree('/', 'proc', { follow: false, sink, native: native() })
    assert.equal(sink.entries.length, 1)
    const stat = await statInside('/', 'proc/self/environ', { follow: true, native: native() })
    assert.equal(stat?.pseudo, true)
  })

  it('says where a path leads, what it is, and when there is none', async () => {
    mkdirSync(path('a/b'), { recursive: true })
    symlinkSync('/a', path('l'))
    const look = (name: string, follow: boolean) => statInside(root, name, { follow, native: native() })
    assert.equal((await look('/l/b', false))?.resolved, '/a/b')
    assert.equal((await look('l', true))?.resolved, '/a')
    assert.equal((await look('l', false))?.target, '/a')
    assert.equal((await look('/', true))?.resolved, '/')
    assert.equal(await look('nothing', true), undefined)
    writeFileSync(path('f'), '')
    await assert.rejects(look('f/', true), (error: ApplyFailed) => error.errno === 20)
  })

  it('walks as deep as names can be, and says so where they are too long', async () => {
    const dig = (levels: number) =>
      execFileSync(
        process.execPath,
        [
          '-e',
          `const { mkdirSync } = require('fs'); for (let i = 0; i < ${levels}; i += 1) { mkdirSync('d'); process.chdir('d') }`,
        ],
        { cwd: root },
      )
    dig(2000)
    assert.equal((await read('.')).entries.length, 2001)
    execFileSync('rm', ['-rf', path('d')])
    dig(2100)
    try {
      await assert.rejects(read('.'), /File name too long/)
    } finally {
      execFileSync('rm', ['-rf', path('d')])
    }
  })

  it('takes malformed requests for what they are', () => {
    const request = new StepWriter()
      .begin(3, stringBytes('.') + 4)
      .string('.')
      .u32(2)
    const whole = Buffer.concat([...request.take().parts])
    const edits = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    const broken = edits.map((list) =>
      list.reduce((copy, [at, byte]) => copy.fill(byte, at, at + 1), Buffer.from(whole)),
    )
    const random = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes))
    const [program, ...words] = native().argv
    const env = { ...process.env, ...native().env }
    for (const input of fc.sample(fc.oneof(broken, random), 40)) {
      const { status, signal } = spawnSync(program, [...words, 'archive', root], { input, env, timeout: 9000 })
      assert(signal === null && (status === 0 || status === 1), `${signal} ${status}: ${input.toString('base64')}`)
    }
  })

  it('says the same in pieces of any size', async () => {
    writeFileSync(path('a'), 'x'.repeat(3000))
    symlinkSync('a', path('b'))
    const request = new StepWriter()
      .begin(3, stringBytes('.') + 4)
      .string('.')
      .u32(2)
    const [program, ...words] = native().argv
    const { stdout } = spawnSync(program, [...words, 'archive', root], {
      input: Buffer.concat([...request.take().parts]),
      env: { ...process.env, ...native().env },
    })
    const told = (sizes: readonly number[]) => {
      const sink = recordTree()
      const reader = new AnswerReader({ sink })
      let at = 0
      for (const size of [...sizes, stdout.length]) {
        reader.write(stdout.subarray(at, at + size))
        at += size
      }
      reader.close()
      return { entries: sink.entries, contents: [...sink.contents] }
    }
    const expected = told([])
    assert.equal(expected.entries.length, 3)
    fc.assert(fc.property(fc.array(fc.nat(700)), (sizes) => assert.deepEqual(told(sizes), expected)))
  })
})

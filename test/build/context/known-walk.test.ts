import assert from 'node:assert/strict'
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { type Fingerprints, openFingerprints } from '../../../src/build/context/fingerprints.ts'
import { type KnownWalk, openKnownWalk } from '../../../src/build/context/known-walk.ts'
import { openLocalTree } from '../../../src/build/context/local-tree.ts'
import { IgnoreMatcher } from '../../../src/build/ignore/matcher.ts'
import { excluder } from '../../../src/build/steps/exclude.ts'
import { scratchDirectory } from '../../support/scratch.ts'

const { signal } = new AbortController()
const UNKNOWN: KnownWalk = { nowMs: 0, sum: undefined, find: () => undefined, note() {} }
/** All that is there by then has been so for long. */
const LATER_MS = Date.now() + 3_600_000

interface Digesting {
  readonly ignored?: readonly string[]
  readonly excluded?: readonly string[]
  readonly nowMs?: number
  /** Without what is known. */
  readonly isFresh?: boolean
}

async function openContext() {
  const [root, kept] = [await scratchDirectory(), await scratchDirectory()]
  let walks = 0
  const digest = ({ ignored = [], excluded = [], nowMs = LATER_MS, isFresh = false }: Digesting = {}) => {
    const fingerprints = (): Fingerprints => {
      walks += 1
      return openFingerprints(isFresh ? join(kept, 'fresh') : kept, root, isFresh ? 0 : nowMs)
    }
    const knownWalk = (start: string, shape: readonly unknown[]) =>
      isFresh ? UNKNOWN : openKnownWalk(kept, [root, start, ...shape], nowMs)
    const tree = openLocalTree({ root, ignore: new IgnoreMatcher(ignored), fingerprints, knownWalk, signal })
    const exclude = excluder(excluded)
    const keep = (path: string) => path === '' || !exclude(path)
    return tree.digest({ path: '', isDirectory: true }, { keep, excluded, signal })
  }
  return { root, kept, digest, walks: () => walks }
}

describe('a walk that is known', () => {
  it('is not taken again until anything changes', async () => {
    const { root, digest, walks } = await openContext()
    writeFileSync(join(root, 'a'), 'one')
    const first = await digest()
    assert.equal(await digest(), first)
    assert.equal(walks(), 1)
    tick(root, () => writeFileSync(join(root, 'a'), 'two'))
    assert.notEqual(await digest(), first)
    assert.equal(walks(), 2)
    tick(root, () => writeFileSync(join(root, 'a'), 'one'))
    assert.equal(await digest(), first)
    assert.equal(walks(), 3)
  })

  it('is another one where other files count', async () => {
    const { root, digest } = await openContext()
    for (const name of ['a', 'b', 'c']) writeFileSync(join(root, name), name)
    const ways: readonly Digesting[] = [{}, { ignored: ['a'] }, { ignored: ['*', '!a'] }, { excluded: ['b'] }]
    const seen: string[] = []
    for (const way of ways) seen.push(await digest(way))
    assert.equal(new Set(seen).size, ways.length)
    for (const [index, way] of ways.entries()) assert.equal(await digest(way), seen[index])
  })

  it('is not remembered while a file may still change within its times', async () => {
    const { root, kept, digest } = await openContext()
    writeFileSync(join(root, 'a'), 'one')
    await digest({ nowMs: Date.now() })
    assert.deepEqual(readdirSync(kept), [])
  })

  it('is taken where what is remembered is damaged', async () => {
    const { root, kept, digest, walks } = await openContext()
    writeFileSync(join(root, 'a'), 'one')
    const first = await digest()
    const [name = ''] = readdirSync(kept).filter((one) => one.endsWith('.walk'))
    for (const damage of ['', '{', '{}', 'null', '[]', '{"sum":1}', 'x'.repeat(10_000)]) {
      writeFileSync(join(kept, name), damage)
      assert.equal(await digest(), first)
    }
    assert.equal(walks(), 8)
  })

  it('comes to what a fresh one does, whatever happens in between', async () => {
    const file = fc.constantFrom('a', 'b', 'd/a', 'd/b', 'd/e/a')
    const change = fc.oneof(
      fc.record({ do: fc.constant('write' as const), file, text: fc.constantFrom('1', '2', '22') }),
      fc.record({
        do: fc.constantFrom('remove' as const, 'chmod' as const, 'touch' as const, 'nothing' as const),
        file,
      }),
      fc.record({ do: fc.constantFrom('rename' as const, 'link' as const, 'symlink' as const), file, to: file }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        const { root, digest } = await openContext()
        mkdirSync(join(root, 'd/e'), { recursive: true })
        for (const one of changes) {
          tick(root, () => apply(root, one))
          assert.equal(await digest(), await digest({ isFresh: true }))
        }
      }),
      { numRuns: 12 },
    )
  })
})

type Change =
  | { readonly do: 'write'; readonly file: string; readonly text: string }
  | { readonly do: 'remove' | 'chmod' | 'touch' | 'nothing'; readonly file: string }
  | { readonly do: 'rename' | 'link' | 'symlink'; readonly file: string; readonly to: string }

function apply(root: string, change: Change): void {
  const path = join(root, change.file)
  if (change.do === 'write') {
    rmSync(path, { force: true })
    writeFileSync(path, change.text)
  }
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return
  if (change.do === 'remove') rmSync(path)
  if (change.do === 'chmod' && stats.isFile()) chmodSync(path, 0o600)
  if (change.do === 'touch' && stats.isFile()) utimesSync(path, 1, 1)
  if (change.do === 'rename') renameSync(path, join(root, change.to))
  if ((change.do !== 'link' && change.do !== 'symlink') || change.file === change.to) return
  rmSync(join(root, change.to), { force: true })
  if (change.do === 'link') linkSync(path, join(root, change.to))
  else symlinkSync(change.file, join(root, change.to))
}

/** Once the clock of the file system has gone on: what happens within one of its ticks is why young files are not trusted. */
function tick(root: string, work: () => void): void {
  const probe = `${root}.probe`
  const now = () => {
    writeFileSync(probe, '')
    return lstatSync(probe, { bigint: true }).ctimeNs
  }
  for (const before = now(); now() === before; );
  work()
  rmSync(probe)
}

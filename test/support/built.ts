/** Builds by the CLI, for tests that make many. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before } from 'mocha'
import { type ContextFiles, writeContext } from './build-context.ts'
import { type Coracle, type Outcome, openCoracle } from './coracle.ts'
import { needsRoot } from './needs-root.ts'

export interface Builder {
  /** A build without network, plain output on standard error. @param context - files, or a directory */
  build(context: ContextFiles | string, ...args: string[]): Outcome
  /** What a build that must succeed has told. */
  built(context: ContextFiles | string, ...args: string[]): string
  /** What a build that must be refused has told; a failure that nobody foresaw is none. */
  refused(context: ContextFiles | string, ...args: string[]): string
  /** What a command in an image prints. */
  run(...args: string[]): string
  /** Scratch directories that are still there. */
  work(): readonly string[]
}

/** An installation for the tests of the suite around, which leave nothing in it but images. @param take - given it before the first */
export function useBuilder(take: (opened: { readonly coracle: Coracle; readonly builder: Builder }) => void): void {
  let coracle: Coracle | undefined
  let builder: Builder | undefined
  before(function () {
    needsRoot(this)
    coracle = openCoracle()
    builder = openBuilder(coracle)
    take({ coracle, builder })
  })
  afterEach(() => {
    assert.deepEqual(coracle?.leftovers(), [])
    assert.deepEqual(builder?.work(), [])
  })
  after(() => coracle?.close())
}

export function openBuilder(coracle: Coracle): Builder {
  const build: Builder['build'] = (context, ...args) => {
    const path = typeof context === 'string' ? context : writeContext(coracle.directory, context)
    return coracle.run(['build', '--progress', 'plain', '--network', 'none', ...args, path])
  }
  return {
    build,
    built: (context, ...args) => {
      const { status, stderr } = build(context, ...args)
      assert.equal(status, 0, stderr)
      return stderr
    },
    refused: (context, ...args) => {
      const { status, stderr } = build(context, ...args)
      assert.equal(status, 1, stderr)
      assert.doesNotMatch(stderr, /internal error/)
      return stderr
    },
    run: (...args) => coracle.output('run', '--rm', '--network', 'none', ...args),
    work: () =>
      [join(coracle.directory, 'root/build/work'), join(coracle.directory, 'run/build')].flatMap((path) =>
        existsSync(path) ? readdirSync(path) : [],
      ),
  }
}

/** Builds by the CLI, for tests that make many. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type ContextFiles, writeContext } from './build-context.ts'
import type { Coracle, Outcome } from './coracle.ts'

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

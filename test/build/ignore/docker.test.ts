/** The same ignore files through docker's client and through ours: the same files are left out. */
import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { before, describe, it } from 'mocha'
import { parseIgnoreFile } from '../../../src/build/ignore/ignore-file.ts'
import { IgnoreMatcher } from '../../../src/build/ignore/matcher.ts'
import { needsDockerClient, sentContext } from '../../support/docker-context.ts'
import { scratchDirectory } from '../../support/scratch.ts'

const FILES = [
  ...['Dockerfile', 'README.md', 'a', 'b.log', '.hidden', 'x y', 'a*b', 'é', '#odd', '!bang', 'node_modules/m/i.js'],
  ...['src/a', 'src/b.log', 'src/deep/a', 'src/deep/er/b.log', 'src/deep/er/c.md', 'src/node_modules/n/i.js'],
  ...['docs/a.md', 'docs/b.txt', 'docs/sub/c.md', 'docs/sub/.keep', 'out/bin/app', 'out/lib/a.so', 'srcs/a'],
]

// The client does not look into ignored directories for `!docs/**/*.md`; BuildKit does, and so do we.
const IGNORED: readonly string[] = [
  'a\n*.log',
  '**/a\n**/*.log',
  '*\n!src\n!README.md',
  '*\n!out/bin',
  'src/*\n!src/deep\nsrc/deep/er',
  '/src/\n./docs/../docs/sub',
  'docs\n!docs/sub/c.md',
  '**/node_modules\n!node_modules/m',
  '*.md\n!README.md\nREADME.*\n',
  '# comment\n\n  b.log  \n\\#odd\n\\!bang\n.*',
  's?c\n[a-b]\n[^.]idden\na\\*b',
  '**deep\nout**',
  'src/**/er\nsrc/**/*.log\n**/**/i.js',
  'x y\né\n!é',
  '!a\n*\n!docs\ndocs/*\n!docs/b.txt',
]

describe('an ignore file means to docker what it means here', () => {
  before(function () {
    needsDockerClient(this)
  })

  for (const ignored of IGNORED)
    it(`in ${JSON.stringify(ignored)}`, async () => {
      const context = await makeContext(ignored)
      const sent = await sentContext(context, await scratchDirectory())
      const matcher = new IgnoreMatcher(parseIgnoreFile(Buffer.from(ignored)))
      const all = (await readdir(context, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => relative(context, join(entry.parentPath, entry.name)))
      const isCompared = (path: string) => !['Dockerfile', '.dockerignore'].includes(path)
      assert.deepEqual(
        all.filter((path) => isCompared(path) && !matcher.ignores(path)).sort(),
        sent.filter((path) => isCompared(path) && all.includes(path)),
      )
    })
})

async function makeContext(ignored: string): Promise<string> {
  const context = await scratchDirectory()
  for (const path of FILES) {
    await mkdir(join(context, dirname(path)), { recursive: true })
    await writeFile(join(context, path), path)
  }
  await writeFile(join(context, '.dockerignore'), ignored)
  return context
}

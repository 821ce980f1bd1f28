import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { after, before, describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { BUILD_CASES, type BuildCase } from '../support/build-cases.ts'
import { writeContext } from '../support/build-context.ts'
import { type Coracle, openCoracle } from '../support/coracle.ts'
import { type DockerDaemon, needsDocker, startDockerDaemon } from '../support/docker-daemon.ts'
import { type GitServer, makeRepository, serveGit } from '../support/git-server.ts'
import { busyboxEntries, tarOf } from '../support/images.ts'
import { keptDirectory } from '../support/scratch.ts'
import { file, tarOf as treeOf } from '../support/tar.ts'
import { tarFiles } from '../support/tar-files.ts'

/** Debian's: its client brings a frontend of its own, which the one of docker's site does not. */
const DOCKER = '/usr/bin/docker'

const CLI = join(packageRoot, 'bin', 'coracle')

/** What is made by either of the two, as far as it must be the same. */
interface Made {
  readonly config: Readonly<Record<string, unknown>>
  readonly files: ReadonlyMap<string, string>
  /** How it tells of each instruction, and whether it has a layer. */
  readonly history: readonly string[]
}

describe('what build makes, beside docker', function () {
  this.timeout(60_000)
  let coracle: Coracle
  let daemon: DockerDaemon | undefined

  before(async function () {
    needsDocker(this)
    coracle = openCoracle()
    daemon = await startDockerDaemon(join(coracle.directory, 'docker-daemon'))
    const imported = join(coracle.directory, 'base.tar')
    writeFileSync(imported, tarOf(busyboxEntries()))
    docker('import', '--change', 'CMD ["sh"]', imported, 'busybox:test')
  })
  after(async () => {
    await daemon?.stop()
    coracle?.close()
  })

  const docker = (...args: string[]): string => {
    const env = { ...process.env, DOCKER_BUILDKIT: '1', DOCKER_CONFIG: join(coracle.directory, 'docker') }
    const { status, stdout, stderr } = spawnSync(DOCKER, ['-H', `unix://${daemon?.socketPath}`, ...args], {
      env,
      encoding: 'utf8',
      timeout: 60_000,
    })
    assert.equal(status, 0, `docker ${args.join(' ')}: ${stderr}`)
    return stdout
  }

  /** By `docker` or `coracle`, which take the same words. */
  const make = async (
    tool: (...args: string[]) => string,
    { args = [] }: BuildCase,
    context: string,
  ): Promise<Made> => {
    const words = ['build', '--network', 'none', ...args]
    const tar = join(coracle.directory, 'files.tar')
    tool(...words, '-q', '-t', 'case', context)
    tool(...words, '-o', `type=tar,dest=${tar}`, context)
    const [{ Config }] = JSON.parse(tool('image', 'inspect', 'case')) as [{ Config: Record<string, unknown> }]
    const format = '{{.CreatedBy}} | {{.Comment}} | {{if eq .Size "0B"}}empty{{end}}'
    const history = tool('history', '--no-trunc', '--format', format, 'case').trimEnd().split('\n')
    return { config: comparable(Config), files: await tarFiles(tar), history: history.flatMap(comparableHistory) }
  }

  for (const one of BUILD_CASES)
    it(`is the same: ${one.name}`, async () => {
      const context = writeContext(coracle.directory, { ...one.files, Dockerfile: one.dockerfile }, one.modes)
      for (const [path, entries] of Object.entries(one.archives ?? {}))
        writeFileSync(join(context, path), tarOf(entries))
      const theirs = await make(docker, one, context)
      const ours = await make(coracle.output, one, context)
      assert.deepEqual(ours.config, theirs.config)
      assert.deepEqual(ours.history.slice(0, -1), theirs.history.slice(0, -1)) // the last one is the import of the base
      const known = [...theirs.files].filter(([path]) => !(one.stubs ?? []).includes(path))
      assert.deepEqual([...ours.files].toSorted(), known.toSorted())
    })

  describe('from elsewhere', () => {
    let server: GitServer
    before(async () => {
      const root = await keptDirectory()
      const part = makeRepository(join(root, 'part'))
      part.commit({ 'part.txt': 'part' })
      const whole = makeRepository(join(root, 'whole'))
      for (const name of ['part', 'whole']) symlinkSync(name, join(root, `${name}.git`))
      whole.git('submodule', 'add', '--quiet', part.path, 'sub')
      whole.git('config', '-f', '.gitmodules', 'submodule.sub.url', '../part.git')
      mkdirSync(join(whole.path, 'bin'))
      writeFileSync(join(whole.path, 'bin/run'), '#!/bin/sh', { mode: 0o755 })
      symlinkSync('../nowhere', join(whole.path, 'bin/link'))
      whole.commit({ Dockerfile: 'FROM scratch\nCOPY . /\n', '.dockerignore': 'bin\n', 'd/e.txt': 'e' })
      whole.git('tag', 'v1', '-m', 'annotated')
      const dockerfile = file('Dockerfile', 'FROM scratch\nCOPY . /\n')
      const content = new Map<string, Buffer | string>([
        [
          '/context.tar.gz',
          gzipSync(treeOf([dockerfile, file('.dockerignore', 'a'), file('a', 'A', { mode: 0o640, uid: 33, gid: 34 })])),
        ],
        ['/Dockerfile', 'FROM scratch\nCOPY context /there\n'],
        ['/file.txt', 'a file'],
      ])
      server = await serveGit(root)
      server.intercept((request, response) => {
        const body = content.get(request.url ?? '')
        if (body !== undefined) response.end(body)
        return body !== undefined
      })
    })
    after(() => server?.[Symbol.asyncDispose]())

    const made = async (program: string, words: readonly string[]): Promise<readonly string[]> => {
      const tar = join(coracle.directory, 'elsewhere.tar')
      const first = program === DOCKER ? ['-H', `unix://${daemon?.socketPath}`] : []
      const env = { ...coracle.env, DOCKER_BUILDKIT: '1' }
      await promisify(execFile)(program, [...first, 'build', '-o', `type=tar,dest=${tar}`, ...words], { env })
      return [...(await tarFiles(tar))].map(String).toSorted()
    }
    // Debian's knows neither parts of repositories, nor their default branches, nor ADD of them, nor named contexts.
    for (const context of ['whole.git#main', 'whole.git#v1', 'context.tar.gz', 'Dockerfile'])
      it(`is the same: a context from elsewhere, ${context}`, async () => {
        const url = `${server.origin}/${context}`
        // It leaves where the submodule's repository has been on its own disk.
        const theirs = (await made(DOCKER, [url])).filter((line) => !line.startsWith('sub/.git,'))
        assert.deepEqual(await made(CLI, [url]), theirs)
      })

    it('is the same: ADD of a file from elsewhere', async () => {
      const dockerfile = `FROM scratch\nADD ${server.origin}/file.txt /\nADD ${server.origin}/file.txt /d/e\n`
      const context = writeContext(coracle.directory, { Dockerfile: dockerfile })
      assert.deepEqual(await made(CLI, [context]), await made(DOCKER, [context]))
    })
  })
})

const KEYS = [
  'Cmd',
  'Entrypoint',
  'Env',
  'ExposedPorts',
  'Healthcheck',
  'Labels',
  'OnBuild',
  'Shell',
  'StopSignal',
  'User',
]
const MORE_KEYS = ['Volumes', 'WorkingDir']

/** Without what is empty: docker says so, OCI leaves it out. */
function comparable(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const isEmpty = (value: unknown) =>
    value === undefined || value === null || value === '' || JSON.stringify(value) === '{}'
  return Object.fromEntries(
    [...KEYS, ...MORE_KEYS].map((key) => [key, config[key]]).filter(([, value]) => !isEmpty(value)),
  )
}

/** Without what docker 20.10 tells otherwise than later ones: intervals at the start, values of arguments, owners of copies. */
function comparableHistory(line: string): readonly string[] {
  return /^(?:HEALTHCHECK|ARG) /.test(line) ? [] : [line.replace(/ --(?:chown|chmod)=\S+| --link/g, '')]
}

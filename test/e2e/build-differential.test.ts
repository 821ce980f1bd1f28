import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { BUILD_CASES, type BuildCase } from '../support/build-cases.ts'
import { writeContext } from '../support/build-context.ts'
import { type Coracle, openCoracle } from '../support/coracle.ts'
import { type DockerDaemon, needsDocker, startDockerDaemon } from '../support/docker-daemon.ts'
import { busyboxEntries, tarOf } from '../support/images.ts'
import { tarFiles } from '../support/tar-files.ts'

/** Debian's: its client brings a frontend of its own, which the one of docker's site does not. */
const DOCKER = '/usr/bin/docker'

/** What is made by either of the two, as far as it must be the same. */
interface Made {
  readonly config: Readonly<Record<string, unknown>>
  readonly files: ReadonlyMap<string, string>
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
    return { config: comparable(Config), files: await tarFiles(tar) }
  }

  for (const one of BUILD_CASES)
    it(`is the same: ${one.name}`, async () => {
      const context = writeContext(coracle.directory, { ...one.files, Dockerfile: one.dockerfile }, one.modes)
      for (const [path, entries] of Object.entries(one.archives ?? {}))
        writeFileSync(join(context, path), tarOf(entries))
      const theirs = await make(docker, one, context)
      const ours = await make(coracle.output, one, context)
      assert.deepEqual(ours.config, theirs.config)
      const known = [...theirs.files].filter(([path]) => !(one.stubs ?? []).includes(path))
      assert.deepEqual([...ours.files].toSorted(), known.toSorted())
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

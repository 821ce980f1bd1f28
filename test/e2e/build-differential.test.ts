import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createReadStream, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { readLayerEntries } from '../../src/images/layers/read-entries.ts'
import { OCI_LAYER } from '../../src/oci/media-types.ts'
import { BUILD_CASES, type BuildCase } from '../support/build-cases.ts'
import { writeContext } from '../support/build-context.ts'
import { type Coracle, openCoracle } from '../support/coracle.ts'
import { busyboxEntries, tarOf } from '../support/images.ts'
import { needsRoot } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

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
  let daemon: ChildProcess | undefined
  let socket = ''

  before(async function () {
    needsRoot(this)
    if (spawnSync(DOCKER, ['--version']).status !== 0 || spawnSync('dockerd', ['--version']).status !== 0) {
      console.log('skipped: Debian’s docker.io is not installed')
      this.skip()
    }
    coracle = openCoracle()
    socket = `unix://${join(coracle.directory, 'docker.sock')}`
    daemon = await startDocker(coracle.directory, socket)
    const imported = join(coracle.directory, 'base.tar')
    writeFileSync(imported, tarOf(busyboxEntries()))
    docker('import', '--change', 'CMD ["sh"]', imported, 'busybox:test')
  })
  after(async () => {
    if (daemon !== undefined) {
      const ended = new Promise((resolve) => daemon?.once('exit', resolve))
      daemon.kill('SIGTERM')
      await ended
      spawnSync('sh', ['-c', `grep -o ' ${coracle.directory}[^ ]*' /proc/self/mounts | sort -r | xargs -r umount -l`])
    }
    coracle?.close()
  })

  const docker = (...args: string[]): string => {
    const env = { ...process.env, DOCKER_BUILDKIT: '1', DOCKER_CONFIG: join(coracle.directory, 'docker') }
    const { status, stdout, stderr } = spawnSync(DOCKER, ['-H', socket, ...args], {
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
    return { config: comparable(Config), files: await filesOf(tar) }
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

async function startDocker(directory: string, socket: string): Promise<ChildProcess> {
  const at = (name: string) => join(directory, name)
  mkdirSync(at('docker'), { recursive: true })
  const log = openSync(at('dockerd.log'), 'w')
  const state = ['--data-root', at('docker-data'), '--exec-root', at('docker-exec'), '--pidfile', at('docker.pid')]
  const isolated = ['--bridge=none', '--iptables=false', '--ip6tables=false']
  const child = spawn('dockerd', ['-H', socket, ...isolated, ...state], { stdio: ['ignore', log, log] })
  await until('dockerd answers', () => spawnSync(DOCKER, ['-H', socket, 'version']).status === 0)
  return child
}

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

async function filesOf(tar: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  const stream = createReadStream(tar)
  for await (const entry of readLayerEntries(stream, { mediaType: OCI_LAYER, withContent: true })) {
    const { path, type, mode, uid, gid, sizeBytes, linkPath, content } = entry
    const name = path.replace(/^\.?\/|\/$/g, '')
    if (name === '' || name === '.') continue
    files.set(
      name,
      [type, mode.toString(8), uid, gid, type === 'file' ? sizeBytes : 0, linkPath, content ?? ''].join(' '),
    )
  }
  return files
}

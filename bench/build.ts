/**
 * `build` beside docker (BuildKit, and the classic builder) and buildah: an application of two stages with packages of Debian, and
 * contexts of up to 100 000 files. BENCH_ROUNDS sets the rounds of what takes long (default 3).
 */
import { appendFileSync, existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { hasPeer, measure, report, run, type Subject } from './harness.ts'
import { commandLine, invoke, openBench, type Peer } from './peers.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
const QUICK_ROUNDS = Math.max(5, 3 * ROUNDS)
const MANY_FILES = 100_000
/** From here on the classic builder, which writes the context twice, takes minutes. */
const CLASSIC_LIMIT = 20_000

interface Builder {
  readonly name: string
  build(tag: string, directory: string): void
  load(archive: string, name: string): void
  /** Nothing of earlier builds is there any more, base images apart. */
  forget(tags: readonly string[]): void
}

const base = 'bench/base:1'
const tags = ['bench/app:1', 'bench/files:1']
const DOCKERFILE = `FROM ${base} AS native
RUN apt-get -qq update && apt-get -qqy install --no-install-recommends gcc libc6-dev
WORKDIR /src
COPY native/ ./
RUN gcc -O2 -shared -fPIC -o libsum.so sum.c

FROM ${base}
RUN apt-get -qq update && apt-get -qqy install --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=native /src/libsum.so /usr/local/lib/
COPY lib/ lib/
RUN python3 -m compileall -q lib
COPY main.py ./
CMD ["python3", "main.py"]
`

await using bench = await openBench()
const builders = findBuilders()
const archive = makeBase()
for (const builder of builders) builder.load(archive, base)
measureApplication(writeApplication(join(bench.scratch, 'app')))
measureContexts()

function findBuilders(): Builder[] {
  const [coracle, ...peers] = bench.peers
  const docker = peers.find(({ name }) => name === 'docker')
  const found = coracle === undefined ? [] : [coracleBuilder(coracle)]
  if (docker !== undefined) found.push(...dockerBuilders(docker))
  if (hasPeer('buildah')) found.push(buildahBuilder())
  return found
}

function coracleBuilder(peer: Peer): Builder {
  return {
    name: 'coracle',
    build: (tag, directory) => void invoke(peer, ['build', '-q', '--network', 'none', '-t', tag, directory]),
    load: (path, name) => void invoke(peer, ['import', path, name]),
    forget: (names) => {
      for (const name of names.filter((one) => isThere(peer, one))) invoke(peer, ['rmi', '-f', name])
      invoke(peer, ['builder', 'prune', '-af'])
    },
  }
}

/** Debian's client has BuildKit built in; newer ones want a plug-in for it. */
function dockerBuilders(peer: Peer): Builder[] {
  const [program, ...words] = peer.command
  const client = existsSync('/usr/bin/docker') ? '/usr/bin/docker' : program
  const builder = (name: string, kit: '0' | '1'): Builder => {
    const own: Peer = { ...peer, command: [client, ...words], env: { ...peer.env, DOCKER_BUILDKIT: kit } }
    return {
      name,
      build: (tag, directory) => void invoke(own, ['build', '-q', '--network', 'none', '-t', tag, directory]),
      load: (path, image) => {
        if (!isThere(own, image)) invoke(own, ['import', path, image])
      },
      forget: (names) => {
        for (const image of names.filter((one) => isThere(own, one))) invoke(own, ['rmi', '-f', image])
        invoke(own, ['image', 'prune', '-f'])
        invoke(own, ['builder', 'prune', '-af'])
      },
    }
  }
  return [builder('docker (BuildKit)', '1'), builder('docker (classic)', '0')]
}

function buildahBuilder(): Builder {
  const state = ['--root', join(bench.scratch, 'buildah'), '--runroot', join(bench.scratch, 'buildah-run')]
  const peer: Peer = { name: 'buildah', command: ['buildah', ...state], env: process.env, runArgs: [] }
  const flags = ['-q', '--layers', '--network', 'host', '--isolation', 'chroot'] // which knows no other network
  return {
    name: 'buildah',
    build: (tag, directory) => void invoke(peer, ['build', ...flags, '-t', tag, directory]),
    load: (path, name) => {
      const container = invoke(peer, ['from', 'scratch']).trim()
      invoke(peer, ['add', '-q', container, path, '/'])
      invoke(peer, ['commit', '-q', '--rm', container, name])
    },
    forget: (names) => {
      const present = names.filter((name) => invoke(peer, ['images', '-q', '--filter', `reference=${name}`]) !== '')
      for (const name of present) invoke(peer, ['rmi', '-f', name])
      invoke(peer, ['rmi', '--prune', '-f'])
    },
  }
}

function isThere(peer: Peer, image: string): boolean {
  return invoke(peer, ['images', '-q', image]).trim() !== ''
}

/** Debian with apt, and the packages of the application as its only source: no network is measured. Made once for each clone. */
function makeBase(): string {
  const path = join(import.meta.dirname, '../.fixtures/build-base.tar')
  if (existsSync(path)) return path
  const debs = '"$1/srv/debs"'
  const packages = 'gcc libc6-dev python3'
  const hooks = [
    `chroot "$1" apt-get install -qy --no-install-recommends --download-only ${packages} && mkdir ${debs}`,
    `mv "$1"/var/cache/apt/archives/*.deb ${debs} && cd ${debs} && dpkg-scanpackages -m . > Packages`,
    'echo "deb [trusted=yes] file:/srv/debs ./" > "$1/etc/apt/sources.list"',
  ]
  const options = ['--quiet', '--variant=apt', ...hooks.map((hook) => `--customize-hook=${hook}`)]
  mkdirSync(dirname(path), { recursive: true })
  run('mmdebstrap', [...options, 'bookworm', `${path}.part.tar`])
  renameSync(`${path}.part.tar`, path)
  return path
}

function writeApplication(root: string): string {
  const put = (path: string, content: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  put('Dockerfile', DOCKERFILE)
  put('native/sum.c', 'long sum(long a, long b) { return a + b; }\n')
  for (let module = 0; module < 200; module++)
    put(
      `lib/package${module % 10}/module${module}.py`,
      `VALUE = ${module}\n\n\ndef value():\n    return VALUE\n`.repeat(20),
    )
  put('main.py', 'import ctypes\n\nprint(ctypes.CDLL("/usr/local/lib/libsum.so").sum(1, 2))\n')
  return root
}

function measureApplication(directory: string): void {
  const [app = ''] = tags
  let changes = 0
  const subjects = (reset?: (builder: Builder) => void): Subject[] =>
    builders.map((builder) => ({
      name: builder.name,
      work: () => builder.build(app, directory),
      ...(reset !== undefined && { reset: () => reset(builder) }),
    }))
  report(
    `application of two stages, cold (${ROUNDS} rounds)`,
    measure(
      subjects(({ forget }) => forget(tags)),
      ROUNDS,
    ),
  )
  report(`the same, all of it in the cache (${QUICK_ROUNDS} rounds)`, measure(subjects(), QUICK_ROUNDS))
  const change = () => appendFileSync(join(directory, 'main.py'), `# ${changes++}\n`)
  report(`the same, main.py changed (${QUICK_ROUNDS} rounds)`, measure(subjects(change), QUICK_ROUNDS))
}

function measureContexts(): void {
  const [, files = ''] = tags
  for (const count of [1000, 10_000, MANY_FILES]) {
    const directory = writeContext(join(bench.scratch, `context${count}`), count)
    const able = builders.filter(({ name }) => count < CLASSIC_LIMIT || !name.includes('classic'))
    const subjects = able.map((builder) => ({ name: builder.name, work: () => builder.build(files, directory) }))
    const cold = able.map((builder, index) => ({ ...subjects[index], reset: () => builder.forget(tags) }) as Subject)
    if (count === MANY_FILES) report(`COPY of ${count} files, cold (${ROUNDS} rounds)`, measure(cold, ROUNDS, 0))
    for (const { work } of subjects) work()
    report(`COPY of ${count} files, cached (${QUICK_ROUNDS} rounds)`, measure(subjects, QUICK_ROUNDS))
    reportMemory(count, directory)
  }
}

/** Of 1 to 5 KB, fifty to a directory. */
function writeContext(root: string, count: number): string {
  for (let file = 0; file < count; file++) {
    const directory = join(root, `d${Math.floor(file / 1000)}`, `e${Math.floor(file / 50) % 20}`)
    if (file % 50 === 0) mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, `file${file}.js`), `module ${file} `.repeat(50 + (file % 400)))
  }
  writeFileSync(join(root, 'Dockerfile'), 'FROM scratch\nCOPY . /app\n')
  return root
}

/** The largest of a build's processes. Others do their work in a daemon. */
function reportMemory(count: number, directory: string): void {
  const [coracle] = bench.peers
  const [builder] = builders
  if (coracle === undefined || builder === undefined || !existsSync('/usr/bin/time')) return
  const kilobytes = () => {
    const output = join(bench.scratch, 'time')
    const [program, words] = commandLine(coracle, ['build', '-q', directory])
    run('/usr/bin/time', ['-f', '%M', '-o', output, program, ...words], coracle.env)
    return statSync(output).size > 0 ? Number(run('cat', [output])) : Number.NaN
  }
  builder.forget(tags)
  const [cold, cached] = [kilobytes(), kilobytes()].map((size) => Math.round(size / 1024))
  console.log(`peak memory of coracle, ${count} files: ${cold} MB cold, ${cached} MB cached`)
}

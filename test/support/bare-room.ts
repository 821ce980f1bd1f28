/** The container room over the real supervisor, with a backend that isolates next to nothing: only the life cycle is of interest. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { openContainerEngine } from '../../src/containers/open.ts'
import type { ContainerRoom } from '../../src/containers/room.ts'
import type { ContainerEngine, RunFlags, RunIO } from '../../src/containers/types.ts'
import type { ImageStore, PreparedImage } from '../../src/images/types.ts'
import type { Paths } from '../../src/paths.ts'
import type { IsolationBackend } from '../../src/plugins/contract.ts'
import { type Database, openDatabase } from '../../src/state/database.ts'
import { scratchDirectory } from './scratch.ts'

export interface BareRoom {
  readonly engine: ContainerEngine
  readonly room: ContainerRoom
  readonly paths: Paths
  readonly database: Database
  readonly io: RunIO
  /** Runs a shell line to its end. */
  run(script: string, flags?: RunFlags, input?: string): Promise<{ status: number; stdout: string; stderr: string }>
  [Symbol.dispose](): void
}

/** The program runs on the root of the host, in a pid namespace of its own. */
const backend = {
  name: 'bare',
  check: () => ({ ok: true }),
  plan: async ({ spec }) => ({
    namespaces: ['pid'],
    before: [],
    after: [],
    child: [
      { do: 'session', terminal: false },
      { do: 'exec', file: spec.process?.args?.[0] ?? '', argv: spec.process?.args ?? [], env: spec.process?.env ?? [] },
    ],
  }),
  destroy: async () => {},
} satisfies Partial<IsolationBackend>

const image: PreparedImage = {
  id: `sha256:${'1'.repeat(64)}` as PreparedImage['id'],
  name: 'docker.io/library/bare:latest',
  platform: { os: 'linux', architecture: 'amd64' },
  config: { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] } },
  annotations: {},
  content: { kind: 'layers', lower: [] },
}

export async function openBareRoom(): Promise<BareRoom> {
  const directory = await scratchDirectory()
  const paths = { root: join(directory, 'root'), run: join(directory, 'run') }
  mkdirSync(paths.root)
  mkdirSync(paths.run)
  const database = openDatabase(join(paths.root, 'state.db'))
  const room: ContainerRoom = {
    paths,
    database,
    images: { prepare: async () => image } as Partial<ImageStore> as ImageStore,
    openBackend: async () => backend as Partial<IsolationBackend> as IsolationBackend,
  }
  const engine = openContainerEngine(room)
  return {
    engine,
    room,
    paths,
    database,
    io: openIO(),
    run: async (script, flags = {}, input = '') => {
      const io = openIO(input)
      const status = await engine.run(
        { image: 'bare', command: ['/bin/sh', '-c', script], flags: { 'sig-proxy': false, ...flags } },
        io,
      )
      return { status, stdout: io.stdout.text(), stderr: io.stderr.text() }
    },
    [Symbol.dispose]: () => database.close(),
  }
}

type Collector = Writable & { readonly text: () => string }

export function openIO(input = ''): RunIO & { readonly stdout: Collector; readonly stderr: Collector } {
  return {
    stdin: Readable.from([Buffer.from(input)]).pipe(new PassThrough()),
    stdout: collector(),
    stderr: collector(),
  }
}

function collector(): Collector {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(Buffer.from(chunk))
      done()
    },
  })
  return Object.assign(stream, { text: () => Buffer.concat(chunks).toString() })
}

/** Small contexts and Dockerfiles by chance, whose images are the same whenever they are built. */
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { IMAGE } from './coracle.ts'
import { tarOf } from './images.ts'

type Node =
  | { readonly kind: 'file'; readonly content: string; readonly mode: number }
  | { readonly kind: 'directory' }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'hardLink'; readonly target: string }
  | { readonly kind: 'tar'; readonly names: readonly string[]; readonly content: string }

export interface Project {
  readonly nodes: readonly (readonly [string, Node])[]
  readonly ignored: readonly string[]
  /** Of the first and of the last stage. */
  readonly stages: readonly [readonly string[], readonly string[]]
}

const PATHS = ['a', 'b', 'd/a', 'd/b', 'd/e/c', 'd/e/é\n', 't.tar'] as const
const PLACES = ['/w/', '/w/x', '/', '/d', '/d/e/', 'here/', '/link/in/'] as const

// As long as each other: a cache that looks at sizes alone is to be caught.
const content = fc.constantFrom('one', 'two', '333')

const node: fc.Arbitrary<Node> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('file' as const), content, mode: fc.constantFrom(0o644, 0o755) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'directory' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('symlink' as const), target: fc.constantFrom(...PATHS) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('hardLink' as const), target: fc.constantFrom(...PATHS) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('tar' as const),
      names: fc.subarray(['a', 'd/a', 'd/q']),
      content,
    }),
  },
)

const source = fc.constantFrom('[a]', 'b*', 'd', 'd*', 'd/[e]', 'd/e/*', '.', 'd/*', '?', 't*', 'd/./[e]', 'd/./')
const fromStage = fc.constantFrom('/w*', '/d*', '/d/[e]', '/', '/out*', '/w/*', '/d*/./e*')
const place = fc.constantFrom(...PLACES)
const flags = fc
  .subarray(['--chown=5:6', '--chmod=640', '--link', '--parents', '--exclude=**/a', '--exclude=e/*'], { maxLength: 2 })
  .map((words) => words.join(' '))

const NO_BIN = '! -path "/proc*" ! -path "/sys*" ! -path "/dev*" ! -path /out'

const instruction = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(flags, source, place).map(([flag, from, to]) => `COPY ${flag} ${from} ${to}`) },
  { weight: 1, arbitrary: fc.tuple(source, place).map(([from, to]) => `ADD ${from} ${to}`) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      `RUN find / -xdev ${NO_BIN} | sort > /out`,
      'RUN cat /w/* /d/* /d/e/* >> /out 2>/dev/null; true',
      'RUN rm -rf /w /d/e',
      'RUN mkdir -p /d/e && echo run > /d/e/run && ln -f /d/e/run /d/hard',
      'RUN rm -rf /link && mkdir -p /w/y && ln -s w/y /link',
      'RUN [ ! -f /w/a ] || mv /w/a /w/moved',
      'RUN --mount=target=/m,ro find /m -type f | sort | xargs cat >> /out 2>/dev/null; true',
      'RUN --mount=target=/m,source=d cat /m/a /m/b >> /out 2>/dev/null; true',
      'RUN --mount=type=tmpfs,target=/w touch /w/gone',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('WORKDIR /w', 'WORKDIR x', 'ENV A=1', 'ARG B=2', 'USER 7:8', 'USER 0', 'LABEL l=$A'),
  },
)

const later = fc.oneof(
  { weight: 4, arbitrary: instruction },
  {
    weight: 3,
    arbitrary: fc.tuple(flags, fromStage, place).map(([flag, from, to]) => `COPY --from=first ${flag} ${from} ${to}`),
  },
  { weight: 1, arbitrary: fc.constant('RUN --mount=from=first,target=/m ls /m/w /m/d >> /out 2>/dev/null; true') },
)

export const project: fc.Arbitrary<Project> = fc.record({
  nodes: fc
    .array(fc.tuple(fc.constantFrom(...PATHS), node), { minLength: 3, maxLength: 9 })
    .map((nodes) => [['d/f', { kind: 'file', content: 'one', mode: 0o600 }] as const, ...nodes]),
  ignored: fc.subarray(['a', 'd/a', 'd/e', '!d/e/c', '**/b'], { maxLength: 2 }),
  stages: fc.tuple(fc.array(instruction, { maxLength: 4 }), fc.array(later, { minLength: 1, maxLength: 5 })),
})

/** The project, and what has become of it a moment later. */
export const change: fc.Arbitrary<readonly [Project, Project]> = project.chain((before) =>
  fc
    .record({
      nodes: fc.oneof(
        fc.constant(before.nodes),
        fc
          .array(fc.tuple(fc.constantFrom(...PATHS), node), { minLength: 1, maxLength: 3 })
          .map((more) => [...before.nodes, ...more]),
      ),
      ignored: fc.oneof(
        { weight: 3, arbitrary: fc.constant(before.ignored) },
        { weight: 1, arbitrary: fc.constant([]) },
      ),
      line: fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: later }),
      at: fc.nat(4),
    })
    .map(({ nodes, ignored, line, at }): readonly [Project, Project] => {
      const [first, last] = before.stages
      const changed = line === undefined ? last : last.with(Math.min(at, last.length - 1), line)
      return [before, { nodes, ignored, stages: [first, changed] }]
    }),
)

export function dockerfileOf({ stages: [first, last] }: Project): string {
  return [`FROM ${IMAGE} AS first`, ...first, `FROM ${IMAGE}`, ...last, ''].join('\n')
}

/** Writes the project to a fresh directory below `parent`, or over what is in `root`. Links to what is not there are left out. */
export function writeProject(
  parent: string,
  made: Project,
  root: string = mkdtempSync(join(parent, 'project-')),
): string {
  for (const [path, one] of made.nodes) {
    const whole = join(root, path)
    rmSync(whole, { recursive: true, force: true })
    mkdirSync(dirname(whole), { recursive: true })
    if (one.kind === 'file') {
      writeFileSync(whole, one.content)
      chmodSync(whole, one.mode)
    } else if (one.kind === 'directory') mkdirSync(whole)
    else if (one.kind === 'symlink') symlinkSync(one.target, whole)
    else if (one.kind === 'hardLink') link(join(root, one.target), whole)
    else writeFileSync(whole, tarOf(one.names.map((name) => ({ path: name, content: one.content }))))
  }
  writeFileSync(join(root, '.dockerignore'), ['.dockerignore', 'Dockerfile', ...made.ignored].join('\n'))
  writeFileSync(join(root, 'Dockerfile'), dockerfileOf(made))
  return root
}

function link(target: string, path: string): void {
  try {
    linkSync(target, path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'EPERM') throw error
  }
}

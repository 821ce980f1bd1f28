/** What users do, on a handful of names, whether that makes sense at the moment or not. */
import type { Random } from './random.ts'
import { IMAGE, type World } from './world.ts'

export interface Operation {
  readonly kind: string
  readonly args: readonly string[]
}

interface Kind {
  readonly kind: string
  readonly weight: number
  readonly args: (random: Random, world: World) => readonly string[]
}

export const NAMES = ['ash', 'birch', 'cedar', 'elm'] as const

/** None ends with 0: a status of 0 on record would be one that nobody gave. */
const SCRIPTS = [
  'echo begin; sleep 1000; exit 9',
  'echo begin; exit 3',
  'echo begin; sleep 0.1; echo more; exit 5',
  'trap "echo bye; exit 7" TERM; echo begin; while :; do sleep 0.02; done',
  'trap "" TERM; echo begin; sleep 1000 & sleep 1000; exit 9',
  'echo begin; i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; sleep 1000; exit 9',
  'echo begin >/file; echo begin; mkdir /d; sleep 1000; exit 9',
] as const

const name = (random: Random) => random.pick(NAMES)
const shell = (random: Random) => [IMAGE, 'sh', '-c', random.pick(SCRIPTS)]
const policy = (random: Random) => (random.below(6) === 0 ? ['--restart', 'on-failure:2'] : [])
const network = ['--network', 'none']

const KINDS: readonly Kind[] = [
  { kind: 'create', weight: 4, args: (random) => ['create', '--name', name(random), ...network, ...shell(random)] },
  {
    kind: 'run -d',
    weight: 10,
    args: (random) => ['run', '-d', '--name', name(random), ...policy(random), ...network, ...shell(random)],
  },
  {
    kind: 'run -d --rm',
    weight: 4,
    args: (random) => ['run', '-d', '--rm', '--name', name(random), ...network, ...shell(random)],
  },
  {
    kind: 'run --rm',
    weight: 5,
    args: (random) => [
      'run',
      '--rm',
      '--name',
      name(random),
      ...network,
      IMAGE,
      'sh',
      '-c',
      'echo begin; sleep 0.05; exit 4',
    ],
  },
  { kind: 'start', weight: 7, args: (random) => ['start', name(random)] },
  { kind: 'stop', weight: 6, args: (random) => ['stop', '-t', String(random.below(2)), name(random)] },
  { kind: 'restart', weight: 5, args: (random) => ['restart', '-t', '0', name(random)] },
  {
    kind: 'kill',
    weight: 4,
    args: (random) => ['kill', ...(random.below(2) === 0 ? ['-s', 'TERM'] : []), name(random)],
  },
  { kind: 'rm -f', weight: 7, args: (random) => ['rm', '-f', name(random)] },
  { kind: 'rm', weight: 2, args: (random) => ['rm', name(random)] },
  { kind: 'pause', weight: 4, args: (random) => ['pause', name(random)] },
  { kind: 'unpause', weight: 4, args: (random) => ['unpause', name(random)] },
  { kind: 'exec', weight: 6, args: (random) => ['exec', name(random), 'sh', '-c', 'echo inside; sleep 0.05; exit 6'] },
  { kind: 'exec -d', weight: 2, args: (random) => ['exec', '-d', name(random), 'sleep', '1000'] },
  { kind: 'commit', weight: 3, args: (random) => ['commit', name(random), `committed:${random.below(2)}`] },
  { kind: 'rename', weight: 3, args: (random) => ['rename', name(random), name(random)] },
  { kind: 'logs', weight: 2, args: (random) => ['logs', name(random)] },
  {
    kind: 'update',
    weight: 2,
    args: (random) => ['update', '--memory', `${40 + random.below(9)}m`, '--memory-swap', '200m', name(random)],
  },
  { kind: 'pull', weight: 6, args: (_, world) => ['pull', world.registry.reference] },
  {
    kind: 'rmi',
    weight: 3,
    args: (random, world) => [
      'rmi',
      '-f',
      random.pick([world.registry.reference, 'imported:1', 'committed:0', 'committed:1']),
    ],
  },
  { kind: 'import', weight: 4, args: (_, world) => ['import', '--message', 'again', world.tar, 'imported:1'] },
  { kind: 'image prune', weight: 1, args: () => ['image', 'prune', '-f'] },
  { kind: 'container prune', weight: 1, args: () => ['container', 'prune', '-f'] },
]

export function chooseOperation(random: Random, world: World): Operation {
  const { kind, args } = random.weighted(KINDS)
  return { kind, args: args(random, world) }
}

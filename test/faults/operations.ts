/** What users do, on a handful of names, whether that makes sense at the moment or not. */
import { existsSync } from 'node:fs'
import { buildWords } from './builds.ts'
import type { Random } from './random.ts'
import { FILLED, PACKED } from './volumes.ts'
import { IMAGE, type World } from './world.ts'

export interface Operation {
  readonly kind: string
  readonly args: readonly string[]
}

interface Kind {
  readonly kind: string
  readonly weight: number
  /** Rarely chosen without one. */
  readonly needs?: keyof Known
  /** Never chosen without one. */
  readonly strict?: true
  readonly args: (drawing: Drawing) => readonly string[]
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

/** Names of containers by what can be done with them now. */
export interface Known {
  readonly free: readonly string[]
  readonly running: readonly string[]
  readonly paused: readonly string[]
  readonly stopped: readonly string[]
  /** Those of the stopped that nothing brings back by itself. */
  readonly ended: readonly string[]
}

interface Drawing {
  readonly random: Random
  readonly world: World
  readonly known: Known
}

/** Mostly one with which it makes sense. */
function named({ random, known }: Drawing, state: keyof Known): string {
  const sensible = random.below(8) > 0 ? known[state] : []
  return random.pick(sensible.length > 0 ? sensible : NAMES)
}

const shell = ({ random }: Drawing) => ['--network', 'none', IMAGE, 'sh', '-c', random.pick(SCRIPTS)]
const policy = ({ random }: Drawing) => (random.below(6) === 0 ? ['--restart', 'on-failure:2'] : [])
const sometimes = ({ random }: Drawing, ...words: string[]) => (random.below(2) === 0 ? words : [])
const BRIEF = ['--network', 'none', IMAGE, 'sh', '-c', 'echo begin; sleep 0.05; exit 4']

const NETWORKS = ['bridge', 'lake', 'pond'] as const
const networked = (by: Drawing) => [
  '--network',
  by.random.pick(NETWORKS),
  ...sometimes(by, '--network-rate', '10mbit'),
  IMAGE,
  'sh',
  '-c',
  by.random.pick(SCRIPTS),
]

/** Only where there is what makes packet rules. */
const NETWORK_KINDS: readonly Kind[] = [
  {
    kind: 'run -d on a network',
    weight: 12,
    args: (by) => ['run', '-d', '--name', named(by, 'free'), ...policy(by), ...networked(by)],
  },
  {
    kind: 'run --rm on a network',
    weight: 3,
    args: (by) => [
      'run',
      '--rm',
      '--name',
      named(by, 'free'),
      '--network',
      by.random.pick(NETWORKS),
      ...BRIEF.slice(2),
    ],
  },
  { kind: 'network create', weight: 4, args: ({ random }) => ['network', 'create', random.pick(NETWORKS.slice(1))] },
  { kind: 'network rm', weight: 2, args: ({ random }) => ['network', 'rm', random.pick(NETWORKS.slice(1))] },
  { kind: 'network prune', weight: 1, args: () => ['network', 'prune', '-f'] },
  {
    kind: 'network connect',
    weight: 5,
    needs: 'running',
    args: (by) => ['network', 'connect', by.random.pick(NETWORKS), named(by, 'running')],
  },
  {
    kind: 'network disconnect',
    weight: 4,
    needs: 'running',
    args: (by) => ['network', 'disconnect', by.random.pick(NETWORKS), named(by, 'running')],
  },
]

const KINDS: readonly Kind[] = [
  ...(existsSync('/usr/sbin/nft') ? NETWORK_KINDS : []),
  { kind: 'create', weight: 4, args: (by) => ['create', '--name', named(by, 'free'), ...shell(by)] },
  { kind: 'run -d', weight: 12, args: (by) => ['run', '-d', '--name', named(by, 'free'), ...policy(by), ...shell(by)] },
  { kind: 'run -d --rm', weight: 4, args: (by) => ['run', '-d', '--rm', '--name', named(by, 'free'), ...shell(by)] },
  { kind: 'run --rm', weight: 5, args: (by) => ['run', '--rm', '--name', named(by, 'free'), ...BRIEF] },
  { kind: 'start', weight: 8, needs: 'stopped', args: (by) => ['start', named(by, 'stopped')] },
  {
    kind: 'stop',
    weight: 6,
    needs: 'running',
    args: (by) => ['stop', '-t', String(by.random.below(2)), named(by, 'running')],
  },
  { kind: 'restart', weight: 5, needs: 'running', args: (by) => ['restart', '-t', '0', named(by, 'running')] },
  {
    kind: 'kill',
    weight: 4,
    needs: 'running',
    args: (by) => ['kill', ...sometimes(by, '-s', 'TERM'), named(by, 'running')],
  },
  { kind: 'rm -f', weight: 5, needs: 'running', args: (by) => ['rm', '-f', named(by, 'running')] },
  { kind: 'rm', weight: 3, needs: 'stopped', args: (by) => ['rm', named(by, 'stopped')] },
  { kind: 'pause', weight: 4, needs: 'running', args: (by) => ['pause', named(by, 'running')] },
  { kind: 'unpause', weight: 4, needs: 'paused', args: (by) => ['unpause', named(by, 'paused')] },
  {
    kind: 'exec',
    weight: 6,
    needs: 'running',
    args: (by) => ['exec', named(by, 'running'), 'sh', '-c', 'echo inside; exit 6'],
  },
  { kind: 'exec -d', weight: 3, needs: 'running', args: (by) => ['exec', '-d', named(by, 'running'), 'sleep', '1000'] },
  {
    kind: 'commit',
    weight: 4,
    needs: 'running',
    args: (by) => ['commit', named(by, 'running'), `committed:${by.random.below(2)}`],
  },
  { kind: 'cp', weight: 2, needs: 'running', args: (by) => ['cp', by.world.tar, `${named(by, 'running')}:/copied`] },
  {
    kind: 'export',
    weight: 2,
    needs: 'running',
    args: (by) => ['export', '-o', `${by.world.directory}/exported`, named(by, 'running')],
  },
  { kind: 'rename', weight: 3, needs: 'running', args: (by) => ['rename', named(by, 'running'), named(by, 'free')] },
  { kind: 'logs', weight: 2, needs: 'running', args: (by) => ['logs', named(by, 'running')] },
  { kind: 'update', weight: 2, needs: 'running', args: (by) => ['update', ...memory(by), named(by, 'running')] },
  // For one that runs it would rightly wait for ever.
  { kind: 'wait', weight: 2, needs: 'ended', strict: true, args: (by) => ['wait', by.random.pick(by.known.ended)] },
  { kind: 'pull', weight: 6, args: ({ world }) => ['pull', world.registry.reference] },
  {
    kind: 'rmi',
    weight: 3,
    args: ({ random, world }) => ['rmi', '-f', random.pick([world.registry.reference, ...MADE])],
  },
  { kind: 'import', weight: 4, args: ({ world }) => ['import', '--message', 'again', world.tar, 'imported:1'] },
  { kind: 'image prune', weight: 1, args: () => ['image', 'prune', '-f'] },
  {
    kind: 'run with volumes',
    weight: 6,
    args: (by) => ['run', '-d', '--name', named(by, 'free'), ...volumes(by), ...shell(by)],
  },
  {
    kind: 'create with volumes',
    weight: 4,
    args: (by) => ['create', '--name', named(by, 'free'), ...volumes(by), ...shell(by)],
  },
  { kind: 'rm -v', weight: 3, args: (by) => ['rm', '-f', '-v', by.random.pick(NAMES)] },
  { kind: 'volume create', weight: 1, args: ({ random }) => ['volume', 'create', random.pick(FILLED)] },
  { kind: 'volume rm', weight: 3, args: ({ random }) => ['volume', 'rm', random.pick([...FILLED, PACKED])] },
  { kind: 'volume clone', weight: 3, args: ({ random }) => ['volume', 'clone', ...random.pick(PAIRS)] },
  { kind: 'volume rename', weight: 3, args: ({ random }) => ['volume', 'rename', ...random.pick(PAIRS)] },
  { kind: 'volume import', weight: 3, args: ({ world }) => ['volume', 'import', PACKED, world.tar] },
  {
    kind: 'volume export',
    weight: 1,
    args: ({ random, world }) => ['volume', 'export', '-o', `${world.directory}/exported`, random.pick(FILLED)],
  },
  { kind: 'volume prune', weight: 1, args: () => ['volume', 'prune', '-f'] },
  { kind: 'build', weight: 12, args: ({ world, random }) => buildWords(world, random) },
  { kind: 'builder prune', weight: 2, args: (by) => ['builder', 'prune', '-f', ...sometimes(by, '-a')] },
  { kind: 'container prune', weight: 1, args: () => ['container', 'prune', '-f'] },
]

const PAIRS = [
  [FILLED[0], FILLED[1]],
  [FILLED[1], FILLED[0]],
] as const
/** Read-only where it is the container's own /bin; an anonymous one as well. */
const volumes = ({ random }: Drawing) => [
  '-v',
  `${random.pick(FILLED)}:/bin:ro`,
  ...(random.below(2) === 0 ? ['-v', '/etc'] : []),
]

const MADE = ['imported:1', 'committed:0', 'committed:1', 'built:0', 'built:1']
const memory = ({ random }: Drawing) => ['--memory', `${40 + random.below(9)}m`, '--memory-swap', '200m']

/** Would one wait for what the other may start? */
export function areAtOdds(one: Operation, other: Operation): boolean {
  const waits = ({ kind, args }: Operation, { args: others }: Operation) =>
    kind === 'wait' && args.slice(1).some((name) => others.includes(name))
  return waits(one, other) || waits(other, one)
}

/** To look at one kind of them closely. */
const ONLY = process.env['FAULTS_ONLY'] ?? ''

export function chooseOperation(drawing: Drawing): Operation {
  const { random, known } = drawing
  const boldly = random.below(12) === 0
  const sensible = KINDS.filter(
    ({ kind, needs, strict }) =>
      kind.startsWith(ONLY) && ((boldly && !strict) || needs === undefined || known[needs].length > 0),
  )
  const { kind, args } = random.weighted(sensible)
  return { kind, args: args(drawing) }
}

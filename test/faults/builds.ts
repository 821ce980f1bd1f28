/** Builds that things happen to, and what must hold of their cache and of their scratch directories afterwards. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tarOf } from '../support/images.ts'
import { tarFiles } from '../support/tar-files.ts'
import type { Random } from './random.ts'
import { IMAGE, type World } from './world.ts'

/** Each has something of its own to be interrupted in; the last one fails by itself. */
const DOCKERFILES = [
  `FROM ${IMAGE}\nRUN mkdir /d && echo 1 > /d/a && rm -r /var\nCOPY . /c/\nRUN cat /c/changing > /d/b\n`,
  `FROM ${IMAGE} AS one\nRUN head -c 2000000 /dev/zero > /big\nFROM ${IMAGE} AS two\nCOPY changing /two\nADD a.tar /t/\n` +
    `FROM ${IMAGE}\nCOPY --from=one /big /\nCOPY --from=two /two /t /x/\nWORKDIR /x/y\nRUN ls -R /x > list\n`,
  `FROM ${IMAGE}\nCOPY --link changing /l/\nRUN --mount=type=cache,target=/k --mount=target=/m,rw cp /m/changing /got && touch /k/f /m/f\n` +
    'RUN --mount=type=tmpfs,target=/s (sleep 1000 &) ; echo done > /done\n',
  `FROM ${IMAGE}\nCOPY random /r\nRUN sleep 0.05; echo no; exit 3\n`,
] as const

const contextOf = ({ directory }: World, number: number) => join(directory, 'builds', String(number))

export function writeBuilds(world: World): void {
  for (const [number, dockerfile] of DOCKERFILES.entries()) {
    const root = contextOf(world, number)
    mkdirSync(join(root, 'sub'), { recursive: true })
    writeFileSync(join(root, 'Dockerfile'), dockerfile)
    writeFileSync(join(root, 'changing'), '0')
    writeFileSync(join(root, 'random'), randomBytes(1_000_000))
    writeFileSync(join(root, 'a.tar'), tarOf([{ path: 'in/tar', content: 'x'.repeat(5000) }]))
  }
}

/** Words of a build; now and then something has changed since the last one. */
export function buildWords(world: World, random: Random): readonly string[] {
  const number = random.below(DOCKERFILES.length)
  if (random.below(3) === 0) writeFileSync(join(contextOf(world, number), 'changing'), String(random.below(4)))
  const output = random.pick([['-t', `built:${number}`], ['-o', `${world.directory}/built`], []])
  return ['build', '--network', 'none', '--progress', 'plain', ...output, contextOf(world, number)]
}

/** What the cache gives is what a build without it gives; and no build that has ended keeps a directory. */
export async function buildLies(world: World): Promise<string[]> {
  const found: string[] = []
  for (const number of DOCKERFILES.slice(0, -1).keys()) {
    const [cached, fresh] = [await filesOf(world, number, []), await filesOf(world, number, ['--no-cache'])]
    if (cached !== fresh) found.push(`the cache gives other files than build ${number}:\n${cached}\n${fresh}`)
  }
  // Steps that are made anew have other times, and so are other layers: they would fill the disk in the end.
  const pruned = await world.cli('builder', 'prune', '-f')
  if (pruned.status !== 0) found.push(`builder prune fails: ${pruned.stderr}`)
  const roots = [join(world.root, 'build/work'), join(world.run, 'build')]
  return [...found, ...roots.flatMap((path) => namesIn(path).map((name) => `scratch directory ${path}/${name}`))]
}

async function filesOf(world: World, number: number, flags: readonly string[]): Promise<string> {
  const tar = join(world.directory, 'files.tar')
  rmSync(tar, { force: true })
  const words = ['build', '--network', 'none', ...flags, '-o', `type=tar,dest=${tar}`, contextOf(world, number)]
  const { status, stderr } = await world.cli(...words)
  if (status !== 0) return `build ${number} fails: ${stderr}`
  const files = [...(await tarFiles(tar))].map(([path, what]) => `${path} ${what.slice(0, 200)}`)
  return files.toSorted().join('\n')
}

function namesIn(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : []
}

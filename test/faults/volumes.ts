/** What must hold for volumes after anything: whole or empty, and each directory somebody's. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { busyboxEntries } from '../support/images.ts'
import type { World } from './world.ts'

/** Filled from the image's /bin, by clones of each other, and under each other's names. */
export const FILLED = ['bin-one', 'bin-two'] as const
/** Filled by an import of the image's tar. */
export const PACKED = 'packed'

const paths = busyboxEntries().map(({ path }) => path)
const ofImage = (directory: string) =>
  paths.filter((path) => path.startsWith(directory) && !path.slice(directory.length).includes('/'))
const BIN = ofImage('bin/').map((path) => path.slice('bin/'.length))
const ROOT = ofImage('')

interface Rows {
  readonly volumes: readonly { readonly name: string; readonly moved_from: string | null }[]
  readonly removed: ReadonlySet<string>
}

function rowsOf({ root }: World): Rows {
  const database = new DatabaseSync(join(root, 'state.db'), { timeout: 10_000 })
  try {
    const removed = database.prepare('SELECT name FROM removed_volumes').all() as { name: string }[]
    return {
      volumes: database.prepare('SELECT name, moved_from FROM volumes').all() as unknown as Rows['volumes'],
      removed: new Set(removed.map(({ name }) => name)),
    }
  } finally {
    database.close()
  }
}

export function volumeLies(world: World): string[] {
  const { volumes, removed } = rowsOf(world)
  const home = join(world.root, 'volumes')
  const known = new Set(volumes.flatMap(({ name, moved_from }) => [name, moved_from]))
  const strays = namesIn(home).filter((name) => !known.has(name) && !removed.has(name))
  return [
    ...strays.map((name) => `directory of nobody: volumes/${name}`),
    ...volumes.flatMap((volume) => contentLies(home, volume)),
  ]
}

function contentLies(home: string, { name, moved_from }: Rows['volumes'][number]): string[] {
  const directory = [name, moved_from].map((part) => join(home, part ?? '', '_data')).find(existsSync)
  if (directory === undefined) return [`volume ${name} has no directory`]
  if (existsSync(join(directory, '../filled'))) return [] // whoever comes next finishes it
  const found = new Set(namesIn(directory))
  const all = name === PACKED ? ROOT : BIN
  const missing = all.filter((entry) => !found.has(entry))
  const half = found.size > 0 && missing.length > 0 && (name === PACKED || FILLED.some((filled) => filled === name))
  return half ? [`volume ${name} is half full: it has ${found.size} names, not ${missing.slice(0, 3)}`] : []
}

/** Removes all volumes, and says what stays of them. No container is there any more. */
export async function volumeLeftovers(world: World): Promise<string[]> {
  const { status, stderr } = await world.cli('volume', 'prune', '-af')
  const failed = status === 0 ? [] : [`volume prune failed: ${stderr}`]
  return [...failed, ...namesIn(join(world.root, 'volumes')).map((name) => `directory volumes/${name} is left`)]
}

function namesIn(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : []
}

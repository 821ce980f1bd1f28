/**
 * How the next runner of modules is started before anybody knows what it runs: `coracle-native ahead` does what the plan says that is
 * kept here, `cache/runner/plan` of the data root. Whoever can write there can have programs run as us, so it is ours alone.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { encodePlan } from '../linux/encode-plan.ts'
import type { LaunchPlan } from '../linux/plan.ts'
import { WireWriter } from '../linux/wire-writer.ts'
import type { EarlyRunners } from '../sandbox/backend.ts'
import { NETWORK_FILES, PLACES } from '../sandbox/walls/places.ts'

export function openEarlyRunners(directory: string): EarlyRunners {
  return {
    smallRoot: () => makeSmallRoot(join(directory, 'walls')),
    keep: (plan) => keep(join(directory, 'plan'), plan),
  }
}

/** Nothing is made in it later: what is mounted there needs names that exist. Another version of us may have made others. */
function makeSmallRoot(at: string): string | undefined {
  const { directory: _, root, ...files } = PLACES
  const missing = (path: string) => !existsSync(path)
  try {
    mkdirSync(dirname(at), { recursive: true, mode: 0o700 })
    for (const directory of [root, '/etc'].map((inside) => join(at, inside)).filter(missing))
      mkdirSync(directory, { recursive: true, mode: 0o755 })
    const names = [...Object.values(files), ...NETWORK_FILES]
    for (const file of names.map((inside) => join(at, inside)).filter(missing)) writeFileSync(file, '')
    return at
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    return undefined // a full disk: no runner is started early
  }
}

function keep(path: string, plan: LaunchPlan): Uint8Array {
  const writer = new WireWriter()
  encodePlan(writer, plan)
  const bytes = writer.finish()
  const partial = `${path}.${process.pid}`
  try {
    if (existsSync(path) && readFileSync(path).equals(bytes)) return bytes
    writeFileSync(partial, bytes, { mode: 0o600 })
    renameSync(partial, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    rmSync(partial, { force: true }) // a full disk: the next one starts later
  }
  return bytes
}

/**
 * How the next runner of modules is started before anybody knows what it runs: `coracle-native ahead` does what the plan says that is
 * kept here, `cache/runner/plan` of the data root. Whoever can write there can have programs run as us, so it is ours alone.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
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

/** Nothing is made in it later: what is mounted there needs names that exist. */
function makeSmallRoot(at: string): string | undefined {
  const { directory, root, ...files } = PLACES
  const made = join(at, directory, 'made')
  if (existsSync(made)) return at
  try {
    mkdirSync(dirname(at), { recursive: true, mode: 0o700 })
    for (const inside of [root, '/etc']) mkdirSync(join(at, inside), { recursive: true, mode: 0o755 })
    for (const file of [...Object.values(files), ...NETWORK_FILES]) writeFileSync(join(at, file), '')
    writeFileSync(made, '')
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
  try {
    if (existsSync(path) && readFileSync(path).equals(bytes)) return bytes
    const partial = `${path}.${process.pid}`
    writeFileSync(partial, bytes, { mode: 0o600 })
    renameSync(partial, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error // a full disk: the next one starts later
  }
  return bytes
}

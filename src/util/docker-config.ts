/** Settings of docker's own config.json that concern how its commands look and feel: `detachKeys`, `psFormat` … */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** A text of the user's config.json; undefined where there is none. */
export function dockerSetting(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const path = join(env['DOCKER_CONFIG'] ?? join(homedir(), '.docker'), 'config.json')
  try {
    const config: unknown = JSON.parse(readFileSync(path, 'utf8'))
    const value = (config as Readonly<Record<string, unknown>> | null)?.[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  } catch {
    // No file, or one that whoever needs credentials will complain about: everything else works all the same.
    return undefined
  }
}

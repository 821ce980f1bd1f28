/** Mirrors and insecure registries, from Coracle's own files or, where they say nothing, docker's. */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { InvalidArgument } from '../errors.ts'

export interface RegistryConfiguration {
  /** Of Docker Hub, in order: `https://mirror.example`. */
  readonly mirrors: readonly string[]
  /** Hosts, hosts with ports, or networks that may be spoken to in plain http or with any certificate. */
  readonly insecure: readonly string[]
}

/** @param env - `CORACLE_CONFIG` names the only file to read */
export function readConfiguration(env: NodeJS.ProcessEnv = process.env): RegistryConfiguration {
  const config = env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config')
  const files =
    env['CORACLE_CONFIG'] !== undefined
      ? [env['CORACLE_CONFIG']]
      : [join(config, 'coracle/config.json'), '/etc/coracle/config.json', '/etc/docker/daemon.json']
  const found = files.map(readJson).filter((file) => file !== undefined)
  const first = (key: string) => found.map((file) => file[key]).find((value) => value !== undefined)
  return { mirrors: strings(first('registry-mirrors')), insecure: strings(first('insecure-registries')) }
}

function readJson(path: string): Readonly<Record<string, unknown>> | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return undefined // most hosts have none
  }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch (error) {
    throw new InvalidArgument(`${path} is no JSON: ${(error as Error).message}`, {
      cause: error,
      hint: 'mend or remove it',
    })
  }
  throw new InvalidArgument(`${path} holds no JSON object`, { hint: 'mend or remove it' })
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

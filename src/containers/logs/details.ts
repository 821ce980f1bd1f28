/** `logs --details`: labels and variables that the log options name. */
import type { StoredSettings } from '../records.ts'

/** `labels=a,b`, `env=A,B`, `labels-regex`, `env-regex` and `tag` of `--log-opt`. */
export function detailsOf({ config, host }: Pick<StoredSettings, 'config' | 'host'>): Readonly<Record<string, string>> {
  const options = host.LogConfig.Config
  const environment = Object.fromEntries(
    config.Env.map((entry) => [entry.split('=', 1)[0] ?? '', entry.slice(entry.indexOf('=') + 1)]),
  )
  return {
    ...chosen(config.Labels, options['labels'], options['labels-regex']),
    ...chosen(environment, options['env'], options['env-regex']),
    ...(options['tag'] !== undefined && { tag: options['tag'] }),
  }
}

function chosen(
  values: Readonly<Record<string, string>>,
  names: string | undefined,
  pattern: string | undefined,
): Record<string, string> {
  const wanted = new Set((names ?? '').split(',').map((name) => name.trim()))
  const matches = pattern === undefined ? undefined : new RegExp(pattern)
  return Object.fromEntries(Object.entries(values).filter(([name]) => wanted.has(name) || matches?.test(name)))
}

/** The ports on which others come to a container. */
import { parseExpose, parsePublish } from '../../network/ports/parse.ts'
import type { Draft } from '../draft.ts'

/** Of TCP: those that are published, in the user's order, then those that are only exposed. None where there is no network. */
export function servedPorts({ host, config }: Pick<Draft['settings'], 'host' | 'config'>): number[] {
  if (host.NetworkMode === 'none') return []
  const published = (host.Publish ?? []).flatMap(parsePublish).filter(({ protocol }) => protocol === 'tcp')
  const exposed = Object.keys(config.ExposedPorts ?? {}).flatMap(parseExpose)
  const ports = [
    ...published.map(({ containerPort }) => containerPort),
    ...exposed.filter((key) => key.endsWith('/tcp')).map((key) => Number.parseInt(key, 10)),
  ]
  return [...new Set(ports)]
}

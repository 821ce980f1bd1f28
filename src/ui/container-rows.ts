/** Rows of `ps` by docker's field names. */
import type { ContainerSummary } from '../containers/types.ts'
import { containerStatus } from './container-status.ts'
import type { Row } from './format-rows.ts'
import { goTime, humanDuration, humanSize } from './units.ts'

export const CONTAINER_HEADINGS = {
  ID: 'CONTAINER ID',
  Image: 'IMAGE',
  Command: 'COMMAND',
  CreatedAt: 'CREATED AT',
  RunningFor: 'CREATED',
  Status: 'STATUS',
  Ports: 'PORTS',
  Names: 'NAMES',
  Size: 'SIZE',
  State: 'STATE',
  Labels: 'LABELS',
  Mounts: 'MOUNTS',
  LocalVolumes: 'LOCAL VOLUMES',
  Networks: 'NETWORKS',
  Platform: 'PLATFORM',
  Backend: 'BACKEND',
}

const SHORT_ID = 12
const COMMAND_WIDTH = 20
const MOUNT_WIDTH = 15

export interface ContainerRowOptions {
  /** Nothing is cut off. */
  readonly full: boolean
  readonly nowMs: number
}

export function containerRow(container: ContainerSummary, { full, nowMs }: ContainerRowOptions): Row {
  const { labels, size, state } = container
  return {
    ID: full ? container.id : container.id.slice(0, SHORT_ID),
    Image: container.imageName,
    Command: JSON.stringify(cut(container.command, full, COMMAND_WIDTH)),
    CreatedAt: goTime(container.createdAtMs),
    RunningFor: `${humanDuration(nowMs - container.createdAtMs)} ago`,
    Status: containerStatus(container, nowMs),
    Ports: container.ports ?? '',
    Names: container.name,
    Size: sizeText(size),
    State: state === 'starting' ? 'created' : state === 'stopping' ? 'running' : state,
    Labels: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    Label: (key: unknown) => (Object.hasOwn(labels, String(key)) ? labels[String(key)] : ''),
    Mounts: container.mounts.map((mount) => cut(mount, full, MOUNT_WIDTH)).join(','),
    LocalVolumes: '0',
    Networks: networkNames(container),
    Platform: container.backend === 'wasi' ? 'wasi/wasm' : 'linux',
    Backend: container.backend,
  }
}

function networkNames({ networkMode, networks = [] }: ContainerSummary): string {
  if (networks.length > 0) return networks.join(',')
  return networkMode.startsWith('container:') ? '' : networkMode
}

/** `0B` where nobody has counted, as docker says it. */
function sizeText(size: ContainerSummary['size']): string {
  if (size === undefined) return humanSize(0)
  return `${humanSize(size.writableBytes, 3)} (virtual ${humanSize(size.virtualBytes, 3)})`
}

function cut(text: string, full: boolean, width: number): string {
  if (full || text.length <= width) return text
  const characters = [...text]
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`
}

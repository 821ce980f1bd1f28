/** `update --network-rate`: what a container may send and receive, changed at once where it runs. */
import { parseNetworkRate } from '../../network/rate.ts'
import type { HostConfig } from '../config.ts'
import { nothingToLimit } from '../parse/network.ts'
import type { ContainerRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import type { UpdateFlags } from '../types.ts'
import { connections } from './reroute.ts'

/** @throws {InvalidArgument} it makes no sense, or there is nothing to limit */
export function withRate(host: HostConfig, flags: UpdateFlags): HostConfig {
  if (flags['network-rate'] === undefined) return host
  const NetworkRate = parseNetworkRate(flags['network-rate'])
  const { NetworkRate: _before, ...unlimited } = host
  if (NetworkRate === undefined) return unlimited
  if ((host.Networks ?? []).length === 0) throw nothingToLimit(host.NetworkMode)
  return { ...unlimited, NetworkRate }
}

/** Nothing to do for one that does not run. @throws {WireFailed} the kernel cannot */
export async function limitRunning(
  room: ContainerRoom,
  { id, process }: ContainerRecord,
  rate: HostConfig['NetworkRate'],
): Promise<void> {
  if (process === undefined) return
  const [{ rateSteps }, { wireRunning }] = await Promise.all([
    import('../../network/rate.ts'),
    import('../../linux/wire.ts'),
  ])
  await wireRunning(process, { host: rateSteps(connections(room, id), rate), child: [] })
}

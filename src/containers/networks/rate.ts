/** `--network-rate`: limits on every link of a container. */
import type { HostStep } from '../../linux/plan.ts'
import { linkOf } from '../../network/live.ts'
import type { EndpointRecord } from '../../network/records.ts'
import { parseRate } from '../parse/network.ts'

/** What the container sends arrives at the host's end of its link, so the two are exchanged there by the step itself. */
export function rateSteps(endpoints: readonly Pick<EndpointRecord, 'id'>[], rate: string): HostStep[] {
  const { egressBits, ingressBits } = parseRate(rate)
  return endpoints.map(({ id }) => ({ do: 'rate', link: linkOf(id), egressBits, ingressBits }))
}

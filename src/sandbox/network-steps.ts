/** The network namespace of a runner: its own, or another container's. Before anything else: it needs rights that are given up. */
import type { ChildStep } from '../linux/plan.ts'
import type { Bundle } from '../plugins/contract.ts'

export function networkSteps({ spec, network }: Bundle): ChildStep[] {
  const namespace = (spec.linux?.namespaces ?? []).find(({ type }) => type === 'network')
  if (namespace === undefined) return []
  if (namespace.path !== undefined) return [{ do: 'enter', kind: 'network', path: namespace.path }]
  const ports: ChildStep = { do: 'sysctl', key: 'net.ipv4.ip_unprivileged_port_start', value: '0' }
  return [{ do: 'loopback-up' }, ...(network?.child ?? []), ports]
}

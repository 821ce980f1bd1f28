/** A launch plan as text, a line a step: what `--debug-plan` shows and golden tests read. */
import type { ChildStep, HostStep, LaunchPlan } from './plan.ts'

/** Stable: the same plan prints the same lines. Binary programs show as their length, capability sets in hexadecimal. */
export function formatPlan(plan: LaunchPlan): string {
  return [
    'before',
    ...plan.before.map(printStep),
    `clone ${plan.namespaces.join(' ')}`.trimEnd(),
    'after',
    ...plan.after.map(printStep),
    'child',
    ...plan.child.map(printStep),
    '',
  ].join('\n')
}

function printStep(step: HostStep | ChildStep): string {
  const { do: name, ...fields } = step
  const words = Object.entries(fields).map(([key, value]) => `${key}=${printValue(value)}`)
  return `  ${[name, ...words].join(' ')}`
}

function printValue(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (typeof value === 'bigint') return `0x${value.toString(16)}`
  return JSON.stringify(value) ?? 'unset'
}

/** Backends of npm plugins, held to the contract: what they answer is looked at before anybody acts upon it. */
import type { Paths } from '../../paths.ts'
import type { IsolationBackend, LaunchPlan, Support } from '../contract.ts'
import { PluginFailed } from './errors.ts'
import { findExtension, openExtension } from './extension.ts'

/** Marks the backends of plugins in records of containers: the name behind it is one that a plugin brings. */
export const PLUGIN_BACKEND = 'plugin:'

const METHODS = ['check', 'plan', 'planExec', 'stats', 'update', 'pause', 'resume', 'destroy'] as const

/** Does a plugin bring a backend of that name? */
export function isPluginBackend(paths: Paths, name: string): boolean {
  return findExtension(paths, 'backends', name) !== undefined
}

/**
 * @param name - without `plugin:`
 * @returns one that refuses everything but to clean up when its plugin is not installed any more: containers that were made
 *   with it can still be removed
 */
export async function openPluginBackend(paths: Paths, name: string): Promise<IsolationBackend> {
  const extension = findExtension(paths, 'backends', name)
  if (extension === undefined) return absentBackend(name)
  const { title } = extension
  const backend = await openExtension<IsolationBackend>(paths, extension, { methods: METHODS })
  return {
    name: `${PLUGIN_BACKEND}${name}`,
    check: (platform) => checkedSupport(title, backend.check(platform)),
    plan: async (bundle) => checkedPlan(title, await backend.plan(bundle)),
    planExec: async (container, process) => checkedPlan(title, await backend.planExec(container, process)),
    stats: (container) => backend.stats(container),
    update: (container, resources) => backend.update(container, resources),
    pause: (container) => backend.pause(container),
    resume: (container) => backend.resume(container),
    destroy: (id) => backend.destroy(id),
  }
}

function absentBackend(name: string): IsolationBackend {
  const reason = `there is no backend ${name} any more: the plugin that brought it is not installed`
  const hint = 'install it again, or remove the container: coracle rm'
  const refuse = async (): Promise<never> => {
    throw new PluginFailed(`the backend ${name}`, 'the plugin that brought it is not installed', { hint })
  }
  return {
    name: `${PLUGIN_BACKEND}${name}`,
    check: () => ({ ok: false, reason, hint }),
    plan: refuse,
    planExec: refuse,
    stats: refuse,
    update: refuse,
    pause: refuse,
    resume: refuse,
    destroy: async () => {}, // its control groups are removed by whoever calls this
  }
}

function checkedSupport(title: string, support: Support): Support {
  if (support?.ok === true || (support?.ok === false && typeof support.reason === 'string')) return support
  throw new PluginFailed(title, 'check answered neither yes nor why not')
}

/** Lists of steps are there; what stands in them the encoder checks. */
function checkedPlan(title: string, plan: LaunchPlan): LaunchPlan {
  const { namespaces, before, after, child } = plan ?? {}
  const lists: readonly unknown[] = [before, after, child]
  const steps = lists.every((list) => Array.isArray(list) && list.every((step) => typeof step?.do === 'string'))
  if (!Array.isArray(namespaces) || !steps) throw new PluginFailed(title, 'its plan is not made of steps')
  if (child?.at(-1)?.do !== 'exec') throw new PluginFailed(title, 'its plan does not end with a program')
  return plan
}

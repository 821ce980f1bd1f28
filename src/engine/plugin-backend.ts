/** A backend of a plugin, the plans of which are tried on the encoder: what it cannot encode is the plugin's fault. */
import { encodePlan } from '../linux/encode-plan.ts'
import { WireWriter } from '../linux/wire-writer.ts'
import type { Paths } from '../paths.ts'
import type { IsolationBackend, LaunchPlan } from '../plugins/contract.ts'
import { openPluginBackend as open } from '../plugins/npm/backend.ts'
import { PluginFailed } from '../plugins/npm/errors.ts'

/** @param name - as the plugin has it @throws {PluginFailed} @throws {ContractMismatch} */
export async function openPluginBackend(paths: Paths, name: string): Promise<IsolationBackend> {
  const backend = await open(paths, name)
  return {
    ...backend,
    plan: async (bundle) => encodable(backend, await backend.plan(bundle)),
    planExec: async (container, process) => encodable(backend, await backend.planExec(container, process)),
  }
}

function encodable({ name }: IsolationBackend, plan: LaunchPlan): LaunchPlan {
  try {
    encodePlan(new WireWriter(), plan)
  } catch (cause) {
    throw new PluginFailed(
      `the backend ${name.slice('plugin:'.length)}`,
      'there are steps in its plan that make no sense',
      {
        cause,
      },
    )
  }
  return plan
}

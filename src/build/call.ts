/** `--check` and `--call`: what a Dockerfile says, without building it. */

import { InvalidArgument } from '../errors.ts'
import { ImageNotFound, ImageNotRunnable } from '../images/errors.ts'
import { formatPlatform, hostPlatform } from '../images/platform.ts'
import type { Platform } from '../oci/descriptor.ts'
import { openMaterials } from './attest/materials.ts'
import { parseContexts } from './context/named.ts'
import { type OpenedContext, openContext } from './context/open.ts'
import { outlineOf } from './dockerfile/outline.ts'
import { parseDockerfile } from './dockerfile/parse.ts'
import { planStages } from './dockerfile/stages.ts'
import type { Dockerfile } from './dockerfile/types.ts'
import { checkDocument, renderCheck } from './lint/render.ts'
import { lintPlan } from './lint-build.ts'
import { parsePlatforms, parseSettings } from './parse-request.ts'
import { outlineDocument, renderOutline, renderTargets, targetsDocument } from './render-call.ts'
import type { BuildRoom } from './room.ts'
import type { Settings } from './settings.ts'
import { openSources } from './sources/open.ts'
import type { BuildRequest, CallResult } from './types.ts'

const METHODS = ['check', 'outline', 'targets'] as const

/** See `BuildEngine.call`. */
export async function callFrontend(room: BuildRoom, request: BuildRequest, call: string): Promise<CallResult> {
  const { method, isJson } = parseCall(call)
  const settings = parseSettings(request)
  const contexts = [...parseContexts(request.contexts).keys()]
  await using cleanup = new AsyncDisposableStack()
  const sources = openSources(room, { materials: openMaterials(), grants: settings, cleanup })
  const context = await openContext(request, { paths: room.paths, cleanup, sources, onStatus: () => {} })
  const dockerfile = parseDockerfile(context.dockerfile, context.name)
  const looking = { request, settings, contexts, context, dockerfile, isJson }
  switch (method) {
    case 'targets':
      return { text: isJson ? json(targetsDocument(dockerfile)) : renderTargets(dockerfile), status: 0 }
    case 'outline':
      return outline(looking)
    case 'check':
      return check(room, looking)
  }
}

/** `check`, `outline` or `targets`, and `,format=json`; docker's `lint` is `check`. @throws {InvalidArgument} */
function parseCall(call: string): { readonly method: (typeof METHODS)[number]; readonly isJson: boolean } {
  const [name = '', ...options] = call.split(',')
  const typed = name === 'lint' ? 'check' : name
  const method = METHODS.find((one) => one === typed)
  if (method === undefined)
    throw new InvalidArgument(`unknown method ${JSON.stringify(name)} of --call`, {
      hint: `known: ${METHODS.join(', ')}`,
    })
  const unknown = options.find((option) => option !== 'format=json' && option !== 'format=text')
  if (unknown !== undefined)
    throw new InvalidArgument(`invalid option ${JSON.stringify(unknown)} of --call`, { hint: 'write format=json' })
  return { method, isJson: options.includes('format=json') }
}

interface Looking {
  readonly request: BuildRequest
  readonly settings: Settings
  /** Their names. */
  readonly contexts: readonly string[]
  readonly context: OpenedContext
  readonly dockerfile: Dockerfile
  readonly isJson: boolean
}

function planFor({ request, settings: { buildArgs }, contexts, dockerfile }: Looking) {
  const [targetPlatform = hostPlatform()] = parsePlatforms(request.platforms, request.env)
  const { target } = request
  const settings = {
    buildArgs,
    targetPlatform,
    buildPlatform: hostPlatform(),
    contexts,
    ...(target !== undefined && { target }),
  }
  return { plan: planStages(dockerfile, settings), settings }
}

function outline(looking: Looking): CallResult {
  const { context, isJson } = looking
  const { plan, settings } = planFor(looking)
  const found = outlineOf(plan, settings.buildArgs)
  return { text: isJson ? json(outlineDocument(found, context.dockerfile)) : renderOutline(found), status: 0 }
}

async function check(room: BuildRoom, looking: Looking): Promise<CallResult> {
  const { request, context, dockerfile, isJson } = looking
  const { plan, settings } = planFor(looking)
  using store = await room.openStore()
  // Those that are here: nothing is fetched to look at a text.
  const image = async (reference: string, platform: Platform) => {
    try {
      return await store.base(reference, formatPlatform(platform))
    } catch (error) {
      if (error instanceof ImageNotFound || error instanceof ImageNotRunnable) return undefined
      throw error
    }
  }
  const stages = request.target === undefined ? plan.stages : plan.needed
  const findings = await lintPlan(plan, { settings, ignored: context.ignore, stages, image })
  const { source } = dockerfile
  const text = isJson ? json(checkDocument(findings, source)) : renderCheck(findings, source)
  return { text, status: findings.length === 0 ? 0 : 1 }
}

function json(document: object): string {
  return `${JSON.stringify(document, undefined, 2)}\n`
}

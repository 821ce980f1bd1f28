/** `--check` and `--call`: what a Dockerfile says, without building it. */

import { InvalidArgument } from '../errors.ts'
import { ImageNotFound, ImageNotRunnable } from '../images/errors.ts'
import { formatPlatform, hostPlatform } from '../images/platform.ts'
import type { Platform } from '../oci/descriptor.ts'
import { openMaterials } from './attest/materials.ts'
import { parseContexts } from './context/named.ts'
import { type OpenedContext, openContext } from './context/open.ts'
import { DockerfileInvalid } from './dockerfile/errors.ts'
import { outlineOf } from './dockerfile/outline.ts'
import { parseDockerfile } from './dockerfile/parse.ts'
import { planStages } from './dockerfile/stages.ts'
import type { Dockerfile } from './dockerfile/types.ts'
import { checkDocument, renderCheck } from './lint/render.ts'
import type { Finding } from './lint/report.ts'
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
  const given = { request, settings, contexts, context, isJson }
  if (method === 'check') return check(room, given)
  const dockerfile = parseDockerfile(context.dockerfile, context.name)
  if (method === 'outline') return outline({ ...given, dockerfile })
  return { text: isJson ? json(targetsDocument(dockerfile)) : renderTargets(dockerfile), status: 0 }
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

interface Given {
  readonly request: BuildRequest
  readonly settings: Settings
  /** Their names. */
  readonly contexts: readonly string[]
  readonly context: OpenedContext
  readonly isJson: boolean
}

interface Looking extends Given {
  readonly dockerfile: Dockerfile
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

/** What can be found before a mistake is told with it, for both have to go. */
async function check(room: BuildRoom, given: Given): Promise<CallResult> {
  const { isJson, context } = given
  try {
    const dockerfile = parseDockerfile(context.dockerfile, context.name)
    const findings = await findingsIn(room, { ...given, dockerfile })
    const { source } = dockerfile
    const text = isJson ? json(checkDocument(findings, source)) : renderCheck(findings, source)
    return { text, status: findings.length === 0 ? 0 : 1 }
  } catch (error) {
    if (!(error instanceof DockerfileInvalid) || error.place === undefined) throw error
    const { source } = error.place
    const findings = await findingsBefore(room, given, error.place.lines.start)
    if (isJson) return { text: json(checkDocument(findings, source, error)), status: 1 }
    if (findings.length === 0) throw error
    return { text: renderCheck(findings, source), status: 1, failure: error }
  }
}

/** None where what stands before the line is no Dockerfile either. */
async function findingsBefore(room: BuildRoom, given: Given, line: number): Promise<readonly Finding[]> {
  const { context } = given
  try {
    const dockerfile = parseDockerfile(linesBefore(context.dockerfile, line), context.name)
    return await findingsIn(room, { ...given, dockerfile })
  } catch (error) {
    if (error instanceof DockerfileInvalid) return []
    throw error
  }
}

function linesBefore(bytes: Uint8Array, line: number): Uint8Array {
  let end = 0
  for (let number = 1; number < line; number += 1) {
    const next = bytes.indexOf(LINE_END, end)
    if (next === -1) break
    end = next + 1
  }
  return bytes.subarray(0, end)
}

const LINE_END = 0x0a

async function findingsIn(room: BuildRoom, looking: Looking): Promise<readonly Finding[]> {
  const { request, context } = looking
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
  return await lintPlan(plan, { settings, ignored: context.ignore, stages, image })
}

function json(document: object): string {
  return `${JSON.stringify(document, undefined, 2)}\n`
}

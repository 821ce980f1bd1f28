/** What there is to tell of a build, whatever form it is told in. */
import { createHash } from 'node:crypto'
import { formatPlatform, hostPlatform } from '../../images/platform.ts'
import { randomHex } from '../../util/random.ts'
import { lentTo } from '../dockerfile/lent.ts'
import { needsOfInstruction, type StagePlan } from '../dockerfile/stages.ts'
import type { Lines } from '../dockerfile/types.ts'
import type { Settings } from '../settings.ts'
import { parseGitSource } from '../sources/git-url.ts'
import type { BuildRequest } from '../types.ts'
import { fileAddress, gitAddress, type Material } from './materials.ts'

/** A stage that was needed; one that others are built from or copy from stands before them. */
export interface StageFact {
  readonly id: string
  readonly inputs: readonly string[]
  readonly lines: Lines
}

export interface BuildFacts {
  /** Where the context comes from; undefined: from this host. */
  readonly source: Material | undefined
  readonly dockerfile: { readonly name: string; readonly content: Uint8Array }
  /** As BuildKit's frontend gets them: `build-arg:NAME`, `label:NAME`, `target`. */
  readonly args: Readonly<Record<string, string>>
  readonly secrets: readonly Asked[]
  readonly ssh: readonly Asked[]
  readonly locals: readonly string[]
  readonly materials: readonly Material[]
  readonly stages: readonly StageFact[]
  /** No command had a network. */
  readonly hermetic: boolean
  readonly builderPlatform: string
  /** The same in all that is told of one build. */
  readonly invocation: string
  /** Milliseconds */
  readonly startedAtMs: number
  readonly finishedAtMs: number
}

interface Asked {
  readonly id: string
  readonly optional?: true
}

export interface Gathering {
  readonly request: BuildRequest
  readonly settings: Settings
  readonly plan: StagePlan
  readonly dockerfile: BuildFacts['dockerfile']
  readonly materials: readonly Material[]
  readonly startedAtMs: number
}

/** With SOURCE_DATE_EPOCH nothing in it depends on when and where. */
export function gatherFacts(gathering: Gathering): BuildFacts {
  const { request, settings, plan, dockerfile, materials } = gathering
  const { epoch } = settings
  const address = addressOf(request.context)
  const source = materials.find(({ uri }) => uri === address)
  const facts = {
    source,
    dockerfile,
    args: argsOf(request, settings),
    ...lentIn(plan),
    locals: localsOf(request, source),
    materials,
    stages: stagesOf(plan),
    hermetic: isHermetic(plan, settings),
    builderPlatform: formatPlatform(hostPlatform()),
    startedAtMs: epoch === undefined ? gathering.startedAtMs : epoch * 1000,
    finishedAtMs: epoch === undefined ? Date.now() : epoch * 1000,
  }
  return { ...facts, invocation: epoch === undefined ? randomHex(16) : digestOfFacts(facts) }
}

/** What comes from this host, of which nobody else knows what it was. */
function localsOf({ file, contexts }: BuildRequest, source: Material | undefined): readonly string[] {
  const isLocalFile = file === '-' || file?.startsWith('/') === true
  const main = source === undefined ? ['context', 'dockerfile'] : isLocalFile ? ['dockerfile'] : []
  const named = contexts.flatMap((text) => {
    const [name = '', place = ''] = text.split(/=(.*)/s)
    return /^(?!oci-layout:)[a-z-]+:\/\/|^[\w-]+@/.test(place) ? [] : [name]
  })
  return [...main, ...named]
}

/** undefined: it is a place of this host. */
function addressOf(context: string): string | undefined {
  if (/^https?:\/\//i.test(context) || /^[a-z]+:\/\/|^github\.com\/|@/.test(context)) {
    const git = parseGitSource(context, { github: true })
    return git === undefined ? fileAddress(context) : gitAddress(git)
  }
  return undefined
}

function digestOfFacts(facts: object): string {
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 32)
}

/** Addresses of proxies often hold passwords, and say nothing of the image. */
const PROXY = /^(?:https?|ftp|no|all)_proxy$/i

function argsOf(request: BuildRequest, { buildArgs }: Settings): Readonly<Record<string, string>> {
  const args: Record<string, string> = {}
  for (const [name, value] of buildArgs) if (!PROXY.test(name)) args[`build-arg:${name}`] = value
  for (const label of request.labels) {
    const [name = '', ...value] = label.split('=')
    args[`label:${name}`] = value.join('=')
  }
  if (request.target !== undefined) args['target'] = request.target
  if (request.noCache) args['no-cache'] = ''
  return Object.fromEntries(Object.entries(args).toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

function instructionsOf({ needed }: StagePlan) {
  return needed.flatMap(({ triggers, stage }) => [...triggers, ...stage.instructions])
}

function lentIn(plan: StagePlan): Pick<BuildFacts, 'secrets' | 'ssh'> {
  const lent = instructionsOf(plan).flatMap(lentTo)
  const of = (type: string) => {
    const required = new Map<string, boolean>()
    for (const one of lent) if (one.type === type) required.set(one.id, (required.get(one.id) ?? false) || one.required)
    return [...required].map(([id, isRequired]): Asked => (isRequired ? { id } : { id, optional: true }))
  }
  return { secrets: of('secret'), ssh: of('ssh') }
}

function isHermetic(plan: StagePlan, { network }: Settings): boolean {
  return instructionsOf(plan).every(
    (one) => one.kind !== 'RUN' || one.network === 'none' || (one.network === 'default' && network === 'none'),
  )
}

function stagesOf({ needed, names }: StagePlan): readonly StageFact[] {
  const ids = new Map(needed.map(({ stage }, index) => [stage.index, `step${index}`]))
  return needed.map(({ stage, base, triggers }, index) => {
    const all = [...triggers, ...stage.instructions]
    const origins = [
      base,
      ...all.flatMap((one) => needsOfInstruction(one, stage.index, names)).map(({ origin }) => origin),
    ]
    const inputs = origins.flatMap((origin) => (origin.kind === 'stage' ? [`${ids.get(origin.index)}:0`] : []))
    const end = stage.instructions.at(-1)?.lines.end ?? stage.from.lines.end
    return { id: `step${index}`, inputs: [...new Set(inputs)], lines: { start: stage.from.lines.start, end } }
  })
}

/** The attestations of one build: what is wanted, and what there is to attest. */
import type { BuiltImage, ExtraManifest, WrittenImage } from '../../images/commit-built.ts'
import { formatPlatform, hostPlatform } from '../../images/platform.ts'
import type { ImageName } from '../../images/records.ts'
import type { Descriptor, Platform } from '../../oci/descriptor.ts'
import { parseBool } from '../../util/truth.ts'
import type { StagePlan } from '../dockerfile/stages.ts'
import { GeneratorFailed } from '../errors.ts'
import { openMemo } from '../memo.ts'
import type { Solution, Solving } from '../solve.ts'
import { findBase } from '../solver.ts'
import { attach, type Predicate, spdx } from './attach.ts'
import { type BuildFacts, gatherFacts } from './facts.ts'
import { type Material, type Materials, platformQuery } from './materials.ts'
import { provenanceOf } from './provenance.ts'
import { scanLayers } from './sbom.ts'
import { type AttestationWish, DEFAULT_PROVENANCE, type ProvenanceWish } from './wish.ts'

export interface Attesting {
  /** Whether there will be anything to attach. @param isSent - as in `attach` */
  wants(isSent: boolean): boolean
  /**
   * @param isSent - it goes to a registry: then it gets what images get there where nobody says otherwise
   * @returns undefined: there is nothing to attest
   * @throws {GeneratorFailed}
   */
  attach(image: WrittenImage, to: Attaching): Promise<ExtraManifest | undefined>
  /**
   * What was asked to be told of the files alone; undefined: nothing.
   *
   * @throws {GeneratorFailed}
   */
  readonly files: ((target: BuiltImage) => Promise<readonly Predicate[]>) | undefined
  /** For the caller himself: the least that there is to tell, unless he wants more; undefined: nothing. */
  tell(image: WrittenImage): object | undefined
}

export interface Attaching {
  readonly names: readonly ImageName[]
  readonly isSent: boolean
}

export interface AttestingOptions extends Omit<Solving, 'imports' | 'used'> {
  readonly signal: AbortSignal
  readonly wish: AttestationWish
  readonly solutions: readonly Solution[]
  readonly startedAtMs: number
}

export function openAttesting(options: AttestingOptions): Attesting {
  const { store, wish, solutions } = options
  const facts = new Map(solutions.map((solution) => [formatPlatform(solution.platform), factsOf(options, solution)]))
  const factsFor = ({ platform }: BuiltImage): BuildFacts => {
    const found = facts.get(formatPlatform(platform))
    if (found === undefined) throw new Error(`nothing was built for ${formatPlatform(platform)}`)
    return found
  }
  const once = openMemo()
  const scan = (image: BuiltImage, name: string) =>
    once(`sbom ${formatPlatform(image.platform)}`, () => scanImage(options, image, name))
  const provenanceFor = (isSent: boolean) => wish.provenance ?? (isSent ? defaultProvenance(options) : false)
  const predicatesFor = async (image: BuiltImage, provenance: ProvenanceWish | false) => {
    const predicates: Predicate[] = []
    if (wish.sbomGenerator !== undefined) predicates.push(...(await scan(image, wish.sbomGenerator)))
    if (provenance !== false) predicates.push(provenanceOf(factsFor(image), provenance, layersOf(image)))
    return predicates
  }
  const ofFiles = wish.provenance && !wish.provenance.inlineOnly ? wish.provenance : false
  return {
    wants: (isSent) => wish.sbomGenerator !== undefined || provenanceFor(isSent) !== false,
    attach: async (image, { names, isSent }) => {
      const predicates = await predicatesFor(image, provenanceFor(isSent))
      return predicates.length === 0 ? undefined : attach(store, predicates, { image, names })
    },
    files:
      wish.sbomGenerator === undefined && ofFiles === false ? undefined : (target) => predicatesFor(target, ofFiles),
    tell: (image) => {
      const mode = options.request.env['BUILDX_METADATA_PROVENANCE'] || 'min'
      if (mode === 'disabled' || parseBool(mode) === false) return undefined
      const told = {
        ...(wish.provenance || DEFAULT_PROVENANCE),
        mode: mode === 'max' ? ('max' as const) : ('min' as const),
      }
      return provenanceOf(factsFor(image), told, layersOf(image)).predicate
    },
  }
}

function factsOf(options: AttestingOptions, { plan, platform }: Solution): BuildFacts {
  const { request, settings, context, materials, startedAtMs } = options
  const dockerfile = { name: context.name, content: context.dockerfile }
  return gatherFacts({
    request,
    settings,
    plan,
    dockerfile,
    materials: materialsFor(materials, plan, platform),
    startedAtMs,
  })
}

/** Images for platforms that no stage of this target has belong to another one. */
function materialsFor(all: Materials, { needed }: StagePlan, target: Platform): readonly Material[] {
  const mine = needed.map(({ platform = target }) => platformQuery(formatPlatform(platform)))
  return all.list().filter(({ uri }) => !uri.startsWith('pkg:') || mine.some((query) => uri.endsWith(query)))
}

/** Whoever asks for the same bytes each time does not ask to be told when they were made. */
function defaultProvenance({ request, settings }: AttestingOptions): ProvenanceWish | false {
  const isOff = parseBool(request.env['BUILDX_NO_DEFAULT_ATTESTATIONS'] ?? '') === true
  return isOff || settings.epoch !== undefined ? false : DEFAULT_PROVENANCE
}

const layersOf = ({ layers }: BuiltImage): readonly Descriptor[] => layers.map(({ blob }) => blob)

async function scanImage(options: AttestingOptions, image: BuiltImage, name: string): Promise<readonly Predicate[]> {
  const generator = await findBase(options, name, hostPlatform()).catch((cause: unknown) => {
    if (options.signal.aborted) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new GeneratorFailed(`the SBOM generator ${name} cannot be had: ${reason}`, {
      cause,
      hint: 'name an image that can be pulled or is here: --sbom=generator=IMAGE',
    })
  })
  const documents = await scanLayers({ ...options, name, generator }, image.layers)
  return documents.map(({ document, fileName }) => spdx(document, fileName))
}

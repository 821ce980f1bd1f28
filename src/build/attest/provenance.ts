/** Provenance as BuildKit writes it: SLSA v1 and v0.2 (buildkit, docs/attestations/slsa-definitions.md). */
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Predicate } from './attach.ts'
import type { BuildFacts } from './facts.ts'
import type { ProvenanceWish } from './wish.ts'

type Told = Omit<Predicate, 'fileName'>

/** @param layers - of the image; only `max` tells of them */
export function provenanceOf(facts: BuildFacts, wish: ProvenanceWish, layers: readonly Descriptor[]): Predicate {
  const told = wish.version === 'v1' ? slsa1(facts, wish, layers) : slsa02(facts, wish, layers)
  return { ...told, fileName: wish.fileName }
}

function slsa1(facts: BuildFacts, wish: ProvenanceWish, layers: readonly Descriptor[]): Told {
  const { source, dockerfile, materials, builderPlatform, hermetic, invocation } = facts
  const predicate = {
    buildDefinition: {
      buildType: 'https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md',
      externalParameters: { configSource: { ...source, path: dockerfile.name }, request: parametersOf(facts, wish) },
      internalParameters: { ...(wish.mode === 'max' && { buildConfig: buildConfig(facts) }), builderPlatform },
      resolvedDependencies: materials,
    },
    runDetails: {
      builder: { id: wish.builderId },
      metadata: {
        invocationId: invocation,
        startedOn: new Date(facts.startedAtMs).toISOString(),
        finishedOn: new Date(facts.finishedAtMs).toISOString(),
        buildkit_metadata: metadataOf(facts, wish, layers),
        ...(hermetic && { buildkit_hermetic: true }),
        buildkit_completeness: { request: wish.mode === 'max', resolvedDependencies: isComplete(facts) },
        buildkit_reproducible: wish.reproducible,
      },
    },
  }
  return { predicateType: 'https://slsa.dev/provenance/v1', predicate }
}

function slsa02(facts: BuildFacts, wish: ProvenanceWish, layers: readonly Descriptor[]): Told {
  const { source, dockerfile, materials, builderPlatform, hermetic, invocation } = facts
  const extension = 'https://mobyproject.org/buildkit@v1'
  const predicate = {
    builder: { id: wish.builderId },
    buildType: extension,
    materials,
    invocation: {
      configSource: { ...source, entryPoint: dockerfile.name },
      parameters: parametersOf(facts, wish),
      environment: { platform: builderPlatform },
    },
    ...(wish.mode === 'max' && { buildConfig: buildConfig(facts) }),
    metadata: {
      buildInvocationID: invocation,
      buildStartedOn: new Date(facts.startedAtMs).toISOString(),
      buildFinishedOn: new Date(facts.finishedAtMs).toISOString(),
      completeness: { parameters: wish.mode === 'max', environment: true, materials: isComplete(facts) },
      reproducible: wish.reproducible,
      [`${extension}#metadata`]: metadataOf(facts, wish, layers),
      ...(hermetic && { [`${extension}#hermetic`]: true }),
    },
  }
  return { predicateType: 'https://slsa.dev/provenance/v0.2', predicate }
}

/** Files of this host are known by nobody else. */
const isComplete = ({ locals }: BuildFacts): boolean => locals.length === 0

function parametersOf(facts: BuildFacts, { mode }: ProvenanceWish): object {
  const { args, secrets, ssh } = facts
  const isValue = (name: string) => name.startsWith('build-arg:') || name.startsWith('label:')
  const shown = mode === 'max' ? args : Object.fromEntries(Object.entries(args).filter(([name]) => !isValue(name)))
  return {
    frontend: 'dockerfile.v0',
    args: shown,
    ...(mode === 'max' && { secrets, ssh }),
    locals: facts.locals.map((name) => ({ name })),
  }
}

/** Steps are stages here: there is no finer graph. */
function buildConfig({ stages }: BuildFacts): object {
  return { llbDefinition: stages.map(({ id, inputs }) => ({ id, ...(inputs.length > 0 && { inputs }) })) }
}

function metadataOf(
  { dockerfile, stages }: BuildFacts,
  { mode }: ProvenanceWish,
  layers: readonly Descriptor[],
): object {
  if (mode === 'min') return {}
  const locations = stages.map(({ id, lines: { start, end } }) => {
    return [id, { locations: [{ ranges: [{ start: { line: start }, end: { line: end } }] }] }] as const
  })
  const data = Buffer.from(dockerfile.content).toString('base64')
  const target = stages.at(-1)?.id ?? 'step0'
  return {
    source: {
      locations: Object.fromEntries(locations),
      infos: [{ filename: dockerfile.name, language: 'Dockerfile', data }],
    },
    layers: { [`${target}:0`]: [layers] },
  }
}

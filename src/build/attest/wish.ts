/** `--attest type=provenance|sbom,…`, and `--provenance` and `--sbom`, which are short for it. */
import { posix } from 'node:path'
import { InvalidArgument } from '../../errors.ts'
import { splitCsv } from '../../util/csv.ts'
import { parseBool } from '../../util/truth.ts'

export interface ProvenanceWish {
  /** `min` tells nothing of the values that were given. */
  readonly mode: 'min' | 'max'
  /** Of SLSA's predicate. */
  readonly version: 'v1' | 'v0.2'
  readonly builderId: string
  /** The user says that the same build gives the same bytes. */
  readonly reproducible: boolean
  /** Of the file beside the files of an image. */
  readonly fileName: string
  /** It is told of images alone. */
  readonly inlineOnly: boolean
}

export interface AttestationWish {
  /** `false`: none at all; undefined: nobody has said anything. */
  readonly provenance: ProvenanceWish | false | undefined
  /** Reference of the image that makes the list. */
  readonly sbomGenerator: string | undefined
}

/** What images get that are sent to a registry, where nobody says otherwise. */
export const DEFAULT_PROVENANCE: ProvenanceWish = {
  mode: 'min',
  version: 'v1',
  builderId: '',
  reproducible: false,
  fileName: 'provenance.json',
  inlineOnly: true,
}

/** BuildKit's. */
export const DEFAULT_GENERATOR = 'docker/buildkit-syft-scanner:stable-1'

type Fields = ReadonlyMap<string, string>

/** @throws {InvalidArgument} */
export function parseAttestations(texts: readonly string[]): AttestationWish {
  const byType = new Map<string, Fields>()
  for (const text of texts) {
    const fields = fieldsOf(text)
    const type = fields.get('type') ?? ''
    if (type !== 'provenance' && type !== 'sbom')
      throw new InvalidArgument(`unknown attestation type ${JSON.stringify(type)} in --attest ${text}`, {
        hint: 'known: provenance, sbom',
      })
    if (byType.has(type)) throw new InvalidArgument(`the attestation ${type} is asked for twice`)
    byType.set(type, fields)
  }
  return { provenance: provenanceOf(byType.get('provenance')), sbomGenerator: generatorOf(byType.get('sbom')) }
}

function fieldsOf(text: string): Fields {
  const fields = splitCsv(text)
  if (fields === undefined) throw new InvalidArgument(`invalid value ${JSON.stringify(text)} for --attest`)
  return new Map(
    fields.map((field) => {
      const equals = field.indexOf('=')
      return equals === -1 ? [field, 'true'] : [field.slice(0, equals), field.slice(equals + 1)]
    }),
  )
}

const PROVENANCE_KEYS = ['type', 'disabled', 'mode', 'version', 'builder-id', 'reproducible', 'filename', 'inline-only']

function provenanceOf(fields: Fields | undefined): AttestationWish['provenance'] {
  if (fields === undefined) return undefined
  refuseUnknown(fields, PROVENANCE_KEYS)
  if (isOn(fields, 'disabled')) return false
  const mode = fields.get('mode') ?? 'max'
  if (mode !== 'min' && mode !== 'max')
    throw new InvalidArgument(`invalid mode ${JSON.stringify(mode)} of provenance`, { hint: 'write min or max' })
  const version = fields.get('version') ?? 'v1'
  if (version !== 'v1' && version !== 'v0.2')
    throw new InvalidArgument(`invalid version ${JSON.stringify(version)} of provenance`, { hint: 'write v1 or v0.2' })
  const fileName = posix.basename(fields.get('filename') ?? '') || DEFAULT_PROVENANCE.fileName
  if (/^\.\.?$|\0/.test(fileName))
    throw new InvalidArgument(`invalid filename ${JSON.stringify(fileName)} of provenance`, {
      hint: 'write the name of a file',
    })
  return {
    mode,
    version,
    builderId: fields.get('builder-id') ?? '',
    reproducible: isOn(fields, 'reproducible'),
    fileName,
    inlineOnly: isOn(fields, 'inline-only'),
  }
}

function generatorOf(fields: Fields | undefined): string | undefined {
  if (fields === undefined) return undefined
  refuseUnknown(fields, ['type', 'disabled', 'generator'])
  return isOn(fields, 'disabled') ? undefined : (fields.get('generator') ?? DEFAULT_GENERATOR)
}

function refuseUnknown(fields: Fields, known: readonly string[]): void {
  const unknown = [...fields.keys()].find((key) => !known.includes(key))
  if (unknown !== undefined)
    throw new InvalidArgument(`unknown key ${unknown} of the attestation ${fields.get('type')}`, {
      hint: `known: ${known.slice(1).join(', ')}`,
    })
}

function isOn(fields: Fields, key: string): boolean {
  const text = fields.get(key)
  if (text === undefined) return false
  const value = parseBool(text)
  if (value === undefined)
    throw new InvalidArgument(`invalid value ${JSON.stringify(text)} of ${key}: write true or false`)
  return value
}

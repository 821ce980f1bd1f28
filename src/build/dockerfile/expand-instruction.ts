/** Which words of which instruction are expanded. RUN, CMD, ENTRYPOINT, HEALTHCHECK and SHELL leave that to the shell. */
import { parseSignal } from '../../containers/parse/signals.ts'
import { InvalidArgument } from '../../errors.ts'
import { DockerfileInvalid } from './errors.ts'
import { type Expansion, expandHeredoc, expandWord, expandWords } from './expand.ts'
import { chompTabs } from './heredoc.ts'
import { type Mount, parseMount } from './mount.ts'
import { parsePorts } from './ports.ts'
import type {
  AddInstruction,
  CopyInstruction,
  ExposeInstruction,
  Heredoc,
  Instruction,
  Pair,
  RunInstruction,
} from './types.ts'

/** An instruction that is ready to be carried out. The `content` of its files is what is written into them. */
export type Expanded = Exclude<Instruction, RunInstruction | ExposeInstruction> | ExpandedRun | ExpandedExpose

export type ExpandedRun = Omit<RunInstruction, 'mounts'> & { readonly mounts: readonly Mount[] }

export interface ExpandedExpose extends ExposeInstruction {
  /** `80/tcp`, without ranges. */
  readonly ports: readonly string[]
  /** As written, variables put in. */
  readonly words: readonly string[]
}

/** @throws {DockerfileInvalid} without a place: the caller knows it */
export function expandInstruction(instruction: Instruction, expansion: Expansion): Expanded {
  const expand = (word: string) => expandWord(word, expansion)
  switch (instruction.kind) {
    case 'ADD':
      return expandAdd(instruction, expansion)
    case 'COPY':
      return expandCopy(instruction, expansion)
    case 'ENV':
    case 'LABEL':
      return { ...instruction, pairs: instruction.pairs.map((pair) => expandPair(instruction.kind, pair, expand)) }
    case 'EXPOSE':
      return expandPorts(instruction, expansion)
    case 'RUN':
      return { ...instruction, mounts: instruction.mounts.map((mount) => parseMount(mount, expand)) }
    case 'STOPSIGNAL':
      return { ...instruction, signal: checkSignal(expand(instruction.signal)) }
    case 'USER':
      return { ...instruction, user: expand(instruction.user) }
    case 'VOLUME':
      return { ...instruction, paths: instruction.paths.map((path) => expandVolume(path, expand)) }
    case 'WORKDIR':
      return { ...instruction, path: expand(instruction.path) }
    default:
      return instruction
  }
}

type Expand = (word: string) => string

function expandAdd(instruction: AddInstruction, expansion: Expansion): AddInstruction {
  const { chown, chmod, checksum, ...rest } = instruction
  const flags = expandFlags({ chown, chmod, checksum }, (word) => expandWord(word, expansion))
  return { ...rest, ...expandPaths(instruction, expansion), ...flags }
}

function expandCopy(instruction: CopyInstruction, expansion: Expansion): CopyInstruction {
  const { chown, chmod, ...rest } = instruction
  const flags = expandFlags({ chown, chmod }, (word) => expandWord(word, expansion))
  return { ...rest, ...expandPaths(instruction, expansion), ...flags }
}

function expandPaths({ sources, destination, files }: AddInstruction | CopyInstruction, expansion: Expansion) {
  return {
    sources: sources.map((source) => expandWord(source, expansion)),
    destination: expandWord(destination, expansion),
    files: files.map((file) => expandFile(file, expansion)),
  }
}

/** One that expands to nothing is as good as none. */
function expandFlags<Name extends string>(
  flags: Readonly<Record<Name, string | undefined>>,
  expand: Expand,
): { readonly [Key in Name]?: string } {
  const expanded = Object.entries<string | undefined>(flags).map(([name, word]) => [name, expand(word ?? '')])
  return Object.fromEntries(expanded.filter(([, word]) => word !== '')) as { readonly [Key in Name]?: string }
}

/** Ranges are short to write. */
const MAX_PORTS = 200_000

function expandPorts(instruction: ExposeInstruction, expansion: Expansion): ExpandedExpose {
  const words = instruction.ports.flatMap((word) => expandWords(word, expansion))
  const ports: string[] = []
  for (const word of words) {
    for (const port of parsePorts(word).ports) ports.push(port)
    if (ports.length > MAX_PORTS)
      throw new DockerfileInvalid(`EXPOSE names more than ${MAX_PORTS} ports`, { near: word })
  }
  return { ...instruction, words, ports }
}

function expandFile(file: Heredoc, { lookup }: Expansion): Heredoc {
  const content = file.chomp ? chompTabs(file.content) : file.content
  return { ...file, content: file.expand ? expandHeredoc(content, lookup) : content }
}

function expandPair(kind: 'ENV' | 'LABEL', pair: Pair, expand: Expand): Pair {
  const key = expand(pair.key)
  if (key === '') throw new DockerfileInvalid(`${kind} names can not be blank`, { near: pair.key })
  return { ...pair, key, value: expand(pair.value) }
}

function expandVolume(path: string, expand: Expand): string {
  const expanded = expand(path)
  if (expanded === '') throw new DockerfileInvalid('VOLUME specified can not be an empty string', { near: path })
  return expanded
}

function checkSignal(signal: string): string {
  try {
    parseSignal(signal)
    return signal
  } catch (error) {
    if (error instanceof InvalidArgument) throw new DockerfileInvalid(error.message, { cause: error, near: signal })
    throw error
  }
}

/** What every step of a stage works with. */
import type { FileTree } from '../copy/tree.ts'
import type { Vertex } from '../progress.ts'
import type { BuildRoom } from '../room.ts'
import type { Settings } from '../settings.ts'
import type { SolveOptions } from '../solve-step.ts'
import type { Sources } from '../sources/open.ts'

export interface StepOptions extends SolveOptions {
  readonly room: BuildRoom
  readonly settings: Settings
  /** What is to go when the build has ended. */
  readonly cleanup: AsyncDisposableStack
  /** The build context; read when it is first asked for. */
  readonly context: () => Promise<FileTree>
  /** What there is on the network. */
  readonly sources: Sources
  /** The files of a directory of the host, none left out. */
  readonly local: (directory: string) => FileTree
  /** What a name in `from` stands for. */
  readonly origin: (from: string) => Promise<Tree>
}

/** Of a step that is shown while it is carried out. */
export interface LayerOptions extends StepOptions {
  readonly vertex: Vertex
}

/** A tree with an identity, where it has one that costs nothing to know. */
export interface Tree {
  readonly tree: FileTree
  /** undefined: its content has to be looked at. */
  readonly identity: string | undefined
  /** Unpacked layers that it consists of, top-most first. */
  readonly layers: readonly string[] | undefined
}

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
  readonly context: () => Promise<Tree>
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

/** A tree that has not been looked at yet, with an identity where it has one that costs nothing to know. */
export interface Tree {
  /** undefined: its content has to be looked at. */
  readonly identity: string | undefined
  /** Whose files they are counts: they are no local context's, which are root's. */
  readonly hasOwners: boolean
  /** Layers that a cache elsewhere has are fetched by this, and not before. */
  open(): Promise<OpenTree>
}

export interface OpenTree {
  readonly tree: FileTree
  /** Unpacked layers that it consists of, top-most first. */
  readonly layers: readonly string[] | undefined
}

/** Files of nobody in particular. */
export function plainTree(open: () => FileTree | Promise<FileTree>, identity?: string): Tree {
  return lazyTree({ identity, hasOwners: false }, async () => ({ tree: await open(), layers: undefined }))
}

/** Opened once: what is copied is compared with what the same tree has seen when its digest was made. */
export function lazyTree(known: Omit<Tree, 'open'>, open: () => Promise<OpenTree>): Tree {
  let opened: Promise<OpenTree> | undefined
  return {
    ...known,
    open: () => {
      opened ??= open()
      return opened
    },
  }
}

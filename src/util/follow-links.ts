/** Follows symbolic links inside of a tree, whatever the tree is. */

const MAX_LINKS = 40

export interface LookedAt {
  /** Of a symbolic link: where it leads. */
  readonly target: string | undefined
  readonly isDirectory: boolean
}

export interface FollowOptions<Node> {
  /** What is at a path without links on the way, relative and without slashes at its ends; the root is empty. */
  readonly lookAt: (path: string) => Node | undefined
  /** Also follow a link that the path itself is. */
  readonly followLast: boolean
}

/**
 * What a path leads to. `..` and absolute links never lead out of the tree.
 *
 * @returns undefined: nothing is there, something else than a directory is on the way, or there are too many links
 */
export function followLinks<Node extends LookedAt>(
  path: string,
  { lookAt, followLast }: FollowOptions<Node>,
): Node | undefined {
  let pending = path.split('/').filter((part) => part !== '')
  let resolved: string[] = []
  for (let links = 0; pending.length > 0; ) {
    const [part = '', ...rest] = pending
    pending = rest
    if (part === '.') continue
    if (part === '..') {
      resolved = resolved.slice(0, -1)
      continue
    }
    const found = lookAt([...resolved, part].join('/'))
    if (found === undefined) return undefined
    if (found.target === undefined || (!followLast && pending.length === 0)) {
      if (pending.length > 0 && !found.isDirectory) return undefined
      resolved.push(part)
      continue
    }
    links += 1
    if (links > MAX_LINKS) return undefined
    if (found.target.startsWith('/')) resolved = []
    pending = [...found.target.split('/').filter((piece) => piece !== ''), ...pending]
  }
  return lookAt(resolved.join('/'))
}
